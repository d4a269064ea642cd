"""What training leaves and a server loads, one file each."""

"""The optimizers of networks, one file each."""

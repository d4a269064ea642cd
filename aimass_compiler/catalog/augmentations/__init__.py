"""The augmentations of images, one file each."""

"""What the app is made of; MONAI Label expects it in a folder of this name."""

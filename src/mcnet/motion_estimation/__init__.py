"""Joint estimation of images and poses from k-space."""

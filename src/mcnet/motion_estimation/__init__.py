"""Joint estimation of image and motion from k-space."""

"""Corrected images from corrupted ones."""

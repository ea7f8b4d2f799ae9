"""Blinded reader studies: drawn, read in a browser, and reported with their statistics."""

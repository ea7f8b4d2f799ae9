"""Volumes, where they come from, and the pairs made of them."""

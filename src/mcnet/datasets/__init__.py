"""Subjects, their split, and what is simulated from them."""

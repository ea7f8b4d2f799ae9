"""Losses, recipes and training, on one process or many."""

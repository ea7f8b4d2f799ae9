"""Losses, recipes and training loops."""

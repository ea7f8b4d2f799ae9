"""Stores of corrupted and reference slices, as the paper trains on."""

"""Subjects and their train, validation and test split; corrupted scans made from them."""

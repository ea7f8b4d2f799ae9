"""Scans of random protocol, contrast and motion, made while a network trains."""

"""Scans of random protocol and motion, made while a network trains."""

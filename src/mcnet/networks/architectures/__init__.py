"""Architectures of networks, one a file: its settings, and how it is built."""

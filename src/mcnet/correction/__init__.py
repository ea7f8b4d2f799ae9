"""Correction of magnitude images: severity estimate, motion search, network, gain, output."""

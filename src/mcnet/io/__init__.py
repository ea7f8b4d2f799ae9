"""Scans and raw data in files; metadata, BIDS, voxel order, phase-encoding direction."""

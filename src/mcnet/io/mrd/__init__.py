"""ISMRMRD files of raw k-space, read and written."""

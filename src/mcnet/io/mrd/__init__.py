"""ISMRMRD files of raw k-space, in and out."""

"""ISMRMRD raw data in and out; the only place of mcnet that imports ismrmrd, h5py and xsdata."""

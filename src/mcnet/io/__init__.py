"""Images and raw data in files: NIfTI, DICOM, ISMRMRD, BIDS."""

"""NIfTI files, read and written."""

"""NIfTI files."""

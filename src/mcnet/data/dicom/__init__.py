"""DICOM series as volumes, and volumes as derived series; the only place that imports pydicom."""

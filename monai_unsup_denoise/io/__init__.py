"""Files in and out: volumes, DICOM series, BIDS datasets."""

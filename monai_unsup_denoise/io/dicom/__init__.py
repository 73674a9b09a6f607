"""DICOM: find the series of a folder, read one, and write a derived one.

Own code on pydicom, not highdicom: that needs pydicom 3, and MONAI Label pins pydicom 2.4.5.
"""

from monai_unsup_denoise.io.dicom.derived import check_folder, write_derived_series
from monai_unsup_denoise.io.dicom.reading import read_series, stored_type
from monai_unsup_denoise.io.dicom.series import DicomSeries, choose_series, find_series, folder_name

__all__ = [
    "DicomSeries",
    "check_folder",
    "choose_series",
    "find_series",
    "folder_name",
    "read_series",
    "stored_type",
    "write_derived_series",
]

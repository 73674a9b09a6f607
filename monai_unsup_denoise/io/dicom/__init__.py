"""DICOM series: which there are, what is in one, and a derived one of it."""

from monai_unsup_denoise.io.dicom.derived import check_folder, write_derived_series
from monai_unsup_denoise.io.dicom.reading import read_series
from monai_unsup_denoise.io.dicom.series import DicomSeries, choose_series, find_series, folder_name

__all__ = [
    "DicomSeries",
    "check_folder",
    "choose_series",
    "find_series",
    "folder_name",
    "read_series",
    "write_derived_series",
]

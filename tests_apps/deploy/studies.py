"""DICOM studies of small heads, written with pydicom alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

#: In every tag of the patient, and never in a log.
SECRET = "Xanthippe"


class StudyFiles:
    """The study of one patient, with all images in one folder, as an archive sends them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uid = generate_uid()
        self.frame = generate_uid()
        folder.mkdir(parents=True)

    def add_images(
        self,
        voxels: np.ndarray,
        number: int,
        *,
        modality: str = "MR",
        pixel_spacing: tuple[float, float] = (0.8, 1.3),
        slice_spacing: float = 2.5,
        slope: float = 1.0,
        intercept: float = 0.0,
        turned_by: float = 12,
        series: str | None = None,
    ) -> None:
        """A series of ``voxels`` ``(slices, rows, columns)``, oblique, in files with unordered names.

        ``pixel_spacing`` is DICOM's: between rows, then between columns. Stored are
        ``(voxels - intercept) / slope``, as 12 bits; ``turned_by`` is in degrees.
        """
        angle = np.deg2rad(turned_by)
        along_row = np.array([np.cos(angle), np.sin(angle), 0])
        along_column = np.array([0.0, 0.0, -1.0])
        step = slice_spacing * np.cross(along_row, along_column)
        series = series or generate_uid()
        for index, pixels in enumerate(voxels):
            image = self._object(CTImageStorage if modality == "CT" else MRImageStorage, modality, series, number)
            image.InstanceNumber = index + 1
            image.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
            image.FrameOfReferenceUID = self.frame
            image.PixelSpacing = list(pixel_spacing)
            image.SliceThickness = slice_spacing
            image.ImageOrientationPatient = [*along_row.tolist(), *along_column.tolist()]
            image.ImagePositionPatient = (np.array([-40.0, -30.0, 60.0]) + index * step).round(6).tolist()
            image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
            image.Rows, image.Columns = pixels.shape
            image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
            image.RescaleSlope, image.RescaleIntercept = slope, intercept
            image.PixelData = np.rint((pixels - intercept) / slope).clip(0, 4095).astype("<u2").tobytes()
            image.save_as(self.folder / f"IM{(index * 7) % 101:03d}_{number}_{turned_by:g}", enforce_file_format=True)

    def add_report(self, number: int) -> None:
        """A structured report: no image at all."""
        report = self._object(BasicTextSRStorage, "SR", generate_uid(), number)
        report.ValueType, report.ContinuityOfContent = "CONTAINER", "SEPARATE"
        report.save_as(self.folder / f"SR_{number}", enforce_file_format=True)

    def _object(self, sop_class: str, modality: str, series: str, number: int) -> Dataset:
        made = Dataset()
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = sop_class
        made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid()
        made.StudyInstanceUID, made.SeriesInstanceUID = self.uid, series
        made.PatientName = made.PatientID = made.AccessionNumber = made.InstitutionName = SECRET
        made.StudyDescription = made.SeriesDescription = made.StudyID = SECRET
        made.StudyDate, made.StudyTime, made.PatientBirthDate, made.PatientSex = "20240301", "101500", "19500101", "O"
        made.Modality, made.SeriesNumber = modality, number
        return made


def noisy_head(shape: tuple[int, int, int], seed: int, *, height: float = 800.0) -> np.ndarray:
    """A bright ellipsoid in air ``(slices, rows, columns)``, with Rician noise of a twentieth of its height."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    inside = sum((axis / radius) ** 2 for axis, radius in zip(axes, (1.4, 0.7, 0.6), strict=True)) < 1
    clean = height * inside * (1 + 0.3 * np.sin(9 * axes[1]) * np.cos(7 * axes[2])) / 1.3
    real, imaginary = height / 20 * np.random.default_rng(seed).standard_normal((2, *shape))
    return np.hypot(clean + real, imaginary)

"""A DICOM series with patient tags, written with pydicom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

#: Stands in every patient tag of `write_series`, and must stand in nothing that is written.
SECRET = "Xanthippe"


def write_series(folder: Path, voxels: np.ndarray, *, spacing: tuple[float, float, float] = (0.8, 1.2, 3.0)) -> None:
    """Write ``voxels`` ``(X, Y, Z)`` as slices of 16-bit integers with pixels that are not square."""
    folder.mkdir(parents=True)
    study, series = generate_uid(), generate_uid()
    for number in range(voxels.shape[2]):
        slice_ = pydicom.Dataset()
        slice_.file_meta = FileMetaDataset()
        slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice_.file_meta.MediaStorageSOPClassUID = slice_.SOPClassUID = MRImageStorage
        slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID = generate_uid()
        slice_.StudyInstanceUID, slice_.SeriesInstanceUID = study, series
        slice_.PatientName = slice_.PatientID = slice_.StudyDescription = slice_.InstitutionName = SECRET
        slice_.Modality, slice_.InstanceNumber, slice_.SeriesNumber = "MR", number + 1, 1
        slice_.Columns, slice_.Rows = voxels.shape[:2]
        slice_.PixelSpacing = [spacing[1], spacing[0]]
        slice_.SliceThickness = spacing[2]
        slice_.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        slice_.ImagePositionPatient = [-10.0, -20.0, number * spacing[2]]
        slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
        slice_.BitsAllocated = slice_.BitsStored = 16
        slice_.HighBit, slice_.PixelRepresentation = 15, 0
        slice_.PixelData = np.rint(voxels[:, :, number].T).astype("<u2").tobytes()
        slice_.is_little_endian, slice_.is_implicit_VR = True, False
        slice_.save_as(folder / f"{number:03d}.dcm", write_like_original=False)

"""DICOM series of a small head-like block, with non-square pixels, oblique, and patient tags that must be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

PATIENT = {"PatientName": "Müller^Łucja", "PatientID": "X-17", "PatientBirthDate": "19700101", "PatientSex": "F"}


def block(shape: tuple[int, int, int] = (20, 24, 6)) -> np.ndarray:
    """Stored values `(X, Y, Z)`, 0 to 4095: bright in the middle, noise everywhere."""
    clean = np.zeros(shape)
    clean[4:-4, 4:-4, 1:-1] = 1200
    return np.abs(clean + 40 * np.random.default_rng(0).standard_normal(shape)).astype(np.uint16)


def write_series(folder: Path, stored: np.ndarray | None = None, **tags: Any) -> np.ndarray:
    """Write stored values `(X, Y, Z)` as a series into `folder`; the affine, left-posterior-superior, mm.

    Pixels are 1.3 x 0.8 mm, slices 3 mm apart and turned by 20 degrees; files are named against their order.
    `tags` are laid over those of each slice; a list stands for one value per slice.
    """
    stored = block() if stored is None else stored
    folder.mkdir(parents=True, exist_ok=True)
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    across, down = np.array([1.0, 0, 0]), np.array([0, c, s])
    normal, origin = np.cross(across, down), np.array([-60.0, 20.0, 5.0])
    shared = {name: generate_uid() for name in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")}
    count = stored.shape[2]
    for index in range(count):
        item = pydicom.Dataset()
        item.file_meta = pydicom.dataset.FileMetaDataset()
        item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item.SpecificCharacterSet = "ISO_IR 192"
        item.file_meta.MediaStorageSOPClassUID = item.SOPClassUID = MRImageStorage
        item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID = generate_uid()
        values = PATIENT | shared | {"Modality": "MR", "SeriesNumber": 4, "SeriesDescription": "t1", "StudyID": "1"}
        values |= {"ImageType": ["ORIGINAL", "PRIMARY", "M"], "InstanceNumber": index + 1, "SeriesDate": "20200101"}
        values |= {"ImageOrientationPatient": [round(float(x), 8) for x in (*across, *down)]}
        values |= {"ImagePositionPatient": [round(float(x), 8) for x in origin + 3 * index * normal]}
        values |= {"PixelSpacing": [0.8, 1.3], "SliceThickness": 3.0, "Columns": stored.shape[0]}
        values |= {"Rows": stored.shape[1], "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2"}
        values |= {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
        values |= {"SmallestImagePixelValue": 0, "LargestImagePixelValue": 4095}
        for name, value in (values | tags).items():
            per_slice = isinstance(value, list) and name in tags and len(value) == count
            setattr(item, name, value[index] if per_slice else value)
        item.PixelData = np.ascontiguousarray(stored[:, :, index].T.astype(np.uint16)).tobytes()
        save(item, folder / f"{count - index:03d}.dcm")
    affine = np.eye(4)
    affine[:3] = np.column_stack([across * 1.3, down * 0.8, normal * 3, origin])
    return affine


def save(item: pydicom.Dataset, path: Path) -> None:
    """Write a whole file, whichever pydicom there is."""
    if pydicom.__version__ < "3":
        syntax = item.file_meta.TransferSyntaxUID
        item.is_little_endian, item.is_implicit_VR = syntax.is_little_endian, syntax.is_implicit_VR
        item.save_as(path, write_like_original=False)
    else:
        item.save_as(path, enforce_file_format=True)

"""Small valid files of every format that is read: noise on a bright block, in voxels of 1.3 x 0.8 x 3 mm."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import itk
import nibabel
import numpy as np
import pydicom
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from tests.io.dicom.synthetic import block, save, write_series

SHAPE = (18, 17, 4)
VOXELS = block(SHAPE).astype(np.int16)
AFFINE = np.array([[1.3, 0, 0, -60], [0, 0.75, -1.03, 20], [0, 0.27, 2.82, 5], [0, 0, 0, 1]])


def nifti(path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(VOXELS.astype(np.float32), AFFINE), path)


def nifti_scaled(path: Path) -> None:
    """Integers with a slope, and a qform alone."""
    image = nibabel.Nifti1Image(VOXELS, AFFINE)
    image.set_qform(AFFINE, 1)
    image.set_sform(None, 0)
    image.header.set_slope_inter(0.5, 2)
    nibabel.save(image, path)


def nifti_2(path: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(VOXELS, AFFINE), path)


def pair(path: Path) -> None:
    nibabel.save(nibabel.Nifti1Pair(VOXELS, AFFINE), path)


def analyze(path: Path) -> None:
    nibabel.save(nibabel.Spm99AnalyzeImage(VOXELS, np.diag([-1.3, 0.8, 3, 1])), path)


def mgh(path: Path) -> None:
    nibabel.save(nibabel.MGHImage(VOXELS.astype(np.float32), AFFINE), path)


def with_itk(path: Path, *, compressed: bool = False) -> None:
    image = itk.image_from_array(np.ascontiguousarray(VOXELS.T))
    lps = np.diag([-1, -1, 1]) @ AFFINE[:3]
    spacing = np.linalg.norm(lps[:, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection(itk.matrix_from_array(np.ascontiguousarray(lps[:, :3] / spacing)))
    image.SetOrigin(lps[:, 3].tolist())
    itk.imwrite(image, str(path), compression=compressed)


def compressed_with_itk(path: Path) -> None:
    with_itk(path, compressed=True)


def dicom(folder: Path, syntax: Any = None) -> None:
    """A series; ``syntax`` is its transfer syntax, explicit little-endian if None."""
    write_series(folder, VOXELS.astype(np.uint16), PatientID="0")
    for path in sorted(folder.iterdir()) if syntax else ():
        item = pydicom.dcmread(path)
        if syntax == ExplicitVRBigEndian:
            item.PixelData = item.pixel_array.astype(">u2").tobytes()
        if syntax == RLELossless:
            item.compress(RLELossless)
        item.file_meta.TransferSyntaxUID = syntax
        saved = pydicom.Dataset()
        saved.update(item)
        saved.file_meta = item.file_meta
        save(saved, path)


def enhanced(folder: Path) -> None:
    """One enhanced multi-frame object, its frames not in the order of space."""
    write_series(folder, VOXELS.astype(np.uint16))
    slices = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    for path in list(folder.iterdir()):
        path.unlink()
    slices = [slices[index] for index in (2, 0, 3, 1)]
    item = slices[0]
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    frames = []
    for each in slices:
        frame = pydicom.Dataset()
        for name, words in _GROUPS.items():
            part = pydicom.Dataset()
            for word in words:
                setattr(part, word, each.get(word) if word in each else _DEFAULTS[word])
            setattr(frame, name, [part])
        frames.append(frame)
    item.PerFrameFunctionalGroupsSequence = frames
    item.SharedFunctionalGroupsSequence = [pydicom.Dataset()]
    item.NumberOfFrames = len(frames)
    item.PixelData = b"".join(each.PixelData for each in slices)
    item.PresentationLUTShape = "IDENTITY"
    for word in {word for words in _GROUPS.values() for word in words} & set(item.dir()):
        delattr(item, word)
    save(item, folder / "enhanced.dcm")


_GROUPS = {
    "PlanePositionSequence": ["ImagePositionPatient"],
    "PlaneOrientationSequence": ["ImageOrientationPatient"],
    "PixelMeasuresSequence": ["PixelSpacing", "SliceThickness"],
    "PixelValueTransformationSequence": ["RescaleSlope", "RescaleIntercept", "RescaleType"],
    "MRImageFrameTypeSequence": ["FrameType"],
}
_DEFAULTS = {
    "RescaleSlope": 1,
    "RescaleIntercept": 0,
    "RescaleType": "US",
    "FrameType": ["ORIGINAL", "PRIMARY", "M", "NONE"],
}

#: By name: the file, or the folder of a series, and what writes it.
FORMATS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "nifti": ("scan.nii", nifti),
    "nifti gzip": ("scan.nii.gz", nifti),
    "nifti scaled": ("scan.nii", nifti_scaled),
    "nifti scaled gzip": ("scan.nii.gz", nifti_scaled),
    "nifti-2": ("scan.nii", nifti_2),
    "nifti-2 gzip": ("scan.nii.gz", nifti_2),
    "nifti pair": ("scan.img", pair),
    "analyze": ("scan.img", analyze),
    "mgh": ("scan.mgh", mgh),
    "mgz": ("scan.mgz", mgh),
    "nrrd": ("scan.nrrd", with_itk),
    "nrrd gzip": ("scan.nrrd", compressed_with_itk),
    "nrrd detached": ("scan.nhdr", with_itk),
    "nrrd detached gzip": ("scan.nhdr", compressed_with_itk),
    "mha": ("scan.mha", with_itk),
    "mha compressed": ("scan.mha", compressed_with_itk),
    "mhd": ("scan.mhd", with_itk),
    "mhd compressed": ("scan.mhd", compressed_with_itk),
    "minc": ("scan.mnc", with_itk),
    "dicom": ("series", dicom),
    "dicom implicit": ("series", lambda folder: dicom(folder, ImplicitVRLittleEndian)),
    "dicom big-endian": ("series", lambda folder: dicom(folder, ExplicitVRBigEndian)),
    "dicom deflated": ("series", lambda folder: dicom(folder, DeflatedExplicitVRLittleEndian)),
    "dicom rle": ("series", lambda folder: dicom(folder, RLELossless)),
    "dicom enhanced": ("series", enhanced),
}


def write_good(folder: Path, name: str) -> Path:
    """Write the valid scan of a format into ``folder``; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    file, write = FORMATS[name]
    write(folder / file)
    return folder / file


def copy_good(source: Path, folder: Path) -> Path:
    """A copy of the folder of ``source``, a scan that `write_good` wrote; the path of the copy."""
    shutil.copytree(source.parent, folder)
    return folder / source.name


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=1, mtime=0)

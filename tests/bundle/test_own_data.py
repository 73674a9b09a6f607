"""Training on two folders of one's own, named on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import torch
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid


def test_training_on_ones_own_nifti_and_dicom_folders_needs_nothing_but_their_names(
    train: Callable, runs: Callable, tmp_path: Path
) -> None:
    noisy, clean = tmp_path / "noisy", tmp_path / "clean"
    rng = np.random.default_rng(0)
    blob = np.hypot(*(rng.normal(200 * _ball(), 20) for _ in range(2))).astype(np.float32)
    _write_nifti(noisy / "a.nii.gz", blob)
    _write_nifti(noisy / "b.nii.gz", blob[::-1])
    _write_series(clean / "series", (300 * _ball()).astype(np.uint16))
    _write_nifti(clean / "c.nii.gz", 500 * _ball())

    done = train("train.json", experiment_name="own data", noisy_dir=noisy, clean_dir=clean)

    assert done.returncode == 0, done.stderr
    assert all(value.isfinite().all() for value in torch.load(tmp_path / "model.pt", weights_only=True).values())
    (run,) = runs("own data")
    assert run.info.status == "FINISHED" and "val/psnr_20" in run.data.metrics


def _ball() -> np.ndarray:
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in (32, 28, 14)), indexing="ij"))
    return (np.linalg.norm(grid, axis=0) < 0.8).astype(np.float32)


def _write_nifti(path: Path, volume: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([1, 1, 2, 1])), path)


def _write_series(folder: Path, volume: np.ndarray) -> None:
    folder.mkdir(parents=True)
    series, study = generate_uid(), generate_uid()
    for number in range(volume.shape[2]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = MRImageStorage, ExplicitVRLittleEndian
        meta.MediaStorageSOPInstanceUID = generate_uid()
        slice_ = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        slice_.SOPClassUID, slice_.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        slice_.SeriesInstanceUID, slice_.StudyInstanceUID, slice_.Modality = series, study, "MR"
        slice_.InstanceNumber, slice_.PixelSpacing, slice_.SliceThickness = number + 1, [1, 1], 2
        slice_.ImagePositionPatient, slice_.ImageOrientationPatient = [0, 0, 2 * number], [1, 0, 0, 0, 1, 0]
        slice_.Rows, slice_.Columns = volume.shape[1], volume.shape[0]
        slice_.SamplesPerPixel, slice_.PhotometricInterpretation, slice_.PixelRepresentation = 1, "MONOCHROME2", 0
        slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit = 16, 16, 15
        slice_.PixelData = np.ascontiguousarray(volume[..., number].T).tobytes()
        pydicom.dcmwrite(folder / f"{number:03d}.dcm", slice_)

"""Scans with a unique word in every private place, and a search through all files that were written."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Extension
from PIL import Image

from monai_unsup_denoise.cli import main
from tests.io.dicom.synthetic import write_series

#: A folder above all scans. File names are not private: outputs are named after their inputs.
FOLDER = "kwxpathword"
#: The folder of a DICOM series is no file name.
SERIES = f"{FOLDER}_series"
PATIENT_TAGS = {
    "PatientName": "Kwxpatname^Anna",
    "PatientID": "KWX-7781-ID",
    "PatientBirthDate": "19370213",
    "OtherPatientIDs": "KWX-9902-OTHER",
    "PatientAddress": "kwxaddress 5",
    "InstitutionName": "kwxinstitution",
    "InstitutionAddress": "kwxstreet 9",
    "ReferringPhysicianName": "Kwxreferrer^Otto",
    "OperatorsName": "Kwxoperator^Eva",
    "AccessionNumber": "KWXACC4711",
    "StudyDescription": "kwxstudytext",
    "PatientComments": "kwxcomment",
}
HEADER_WORDS = {
    "descrip": "kwxdescrip",
    "intent_name": "kwxintent",
    "db_name": "kwxdbname",
    "aux_file": "kwxauxfile",
    "extension": "kwxextension",
}
SIDECAR = PATIENT_TAGS | {"SeriesDescription": "kwxseriestext", "DeviceSerialNumber": "KWX-SERIAL-3"}
SIDECAR |= {"BodyPart": "kwxbodypart", "PulseSequenceType": "kwxsequence", "EchoTime": "kwxecho"}
TAG_WORDS = {word for text in SIDECAR.values() for word in text.split("^")} - {"Anna", "Otto", "Eva"}


class Outcome(NamedTuple):
    code: int
    said: str


@pytest.fixture
def mri_denoise(capfd, tmp_path, monkeypatch) -> Callable[..., Outcome]:
    """Run `mri-denoise` with these arguments in the folder that is searched afterwards."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        words = [str(argument) for argument in arguments]
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
            patch.setattr(sys, "argv", ["mri-denoise", *words])
            main(words)
        return Outcome(ended.value.code or 0, "".join(capfd.readouterr()))

    return run


@pytest.fixture(scope="session")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tagged scans of each kind and a damaged weights file, in a folder with a private name."""
    folder = tmp_path_factory.mktemp("private") / FOLDER
    write_nifti(folder / "nifti" / "scan.nii.gz", 1)
    write_nifti(folder / "nifti" / "other.nii", 2)
    write_nifti(folder / "clean" / "clean.nii.gz", 3, sigma=0)
    write_series(folder / "dicom" / SERIES, np.rint(magnitudes(4)), SeriesNumber=3, **PATIENT_TAGS)
    write_bids(folder / "bids")
    (folder / "damaged_models").mkdir()
    (folder / "damaged_models" / "model_dncnn.pt").write_text("no weights")
    return folder


def magnitudes(seed: int, sigma: float = 20) -> np.ndarray:
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in (28, 26, 12)), indexing="ij"))
    clean = 400.0 * (np.linalg.norm(grid, axis=0) < 0.8)
    noise = np.random.default_rng(seed).normal(0, sigma, (2, *clean.shape))
    return np.hypot(clean + noise[0], noise[1])


def write_nifti(path: Path, seed: int, sigma: float = 20) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(magnitudes(seed, sigma).astype(np.float32), np.diag([1, 1, 2, 1]))
    for name in ("descrip", "intent_name", "db_name", "aux_file"):
        image.header[name] = HEADER_WORDS[name].encode()
    image.header.extensions.append(Nifti1Extension("comment", HEADER_WORDS["extension"].encode()))
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def write_bids(folder: Path) -> None:
    write_nifti(folder / "sub-01" / "anat" / "sub-01_T1w.nii.gz", 5)
    (folder / "sub-01" / "anat" / "sub-01_T1w.json").write_text(json.dumps({"RepetitionTime": 2.3, **SIDECAR}))
    description = {"Name": "kwxdatasetname", "BIDSVersion": "1.10.0", "Authors": [PATIENT_TAGS["OperatorsName"]]}
    (folder / "dataset_description.json").write_text(json.dumps(description))


def everything_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file; archives and compressed files are unpacked, also nested ones."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            yield name, name.encode()
            yield from _unpacked(name, path.read_bytes())
            if path.suffix == ".db":
                with sqlite3.connect(path) as database:
                    yield f"{name} (tables)", "\n".join(database.iterdump()).encode()


def _unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, content
    if content[:2] == b"\x1f\x8b":
        yield from _unpacked(f"{name} (unpacked)", gzip.decompress(content))
    elif content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from _unpacked(f"{name}/{member}", archive.read(member))
    elif content[:8] == b"\x89PNG\r\n\x1a\n":
        with Image.open(io.BytesIO(content)) as picture:
            yield f"{name} (texts)", repr(picture.info).encode()


def found_in(folder: Path, words: set[str], *, but: Callable[[str], bool] = lambda name: False) -> list[str]:
    """``word in file`` for each of ``words`` in each file below ``folder``, ignoring case; ``but`` skips files."""
    return [
        f"{word} in {name}"
        for name, content in everything_in(folder)
        if not but(name)
        for word in sorted(words)
        if word.lower().encode() in content.lower()
    ]


def said(text: str, words: set[str]) -> list[str]:
    """Those of ``words`` that are in ``text``, ignoring case."""
    return sorted(word for word in words if word.lower() in text.lower())

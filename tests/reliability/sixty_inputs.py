"""Sixty named inputs: good, odd but good, damaged, hostile; and for each, whether it is read or why not."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import itk
import nibabel
import numpy as np
import pydicom

from tests.io.dicom.synthetic import write_series
from tests.reliability.good_files import AFFINE, FORMATS, VOXELS, compressed_with_itk, mgh, nifti, with_itk

STACK = VOXELS.astype(np.uint16)
FLOAT = VOXELS.astype(np.float32)


class Input(NamedTuple):
    """A scan in a folder of its own; ``refusal``: words of the line that refuses it, empty if it is read."""

    name: str
    file: str
    write: Callable[[Path], object]
    refusal: str = ""


def good(name: str) -> Callable[[Path], object]:
    return FORMATS[name][1]


def save(values: np.ndarray, affine: np.ndarray = AFFINE) -> Callable[[Path], object]:
    return lambda path: nibabel.save(nibabel.Nifti1Image(values, affine), path)


def with_voxel(value: float) -> Callable[[Path], object]:
    values = FLOAT.copy()
    values[5, 5, 2] = value
    return save(values)


def text(words: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(words)


def changed(write: Callable[[Path], object], change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    """A file that ``write`` wrote, with its bytes changed."""

    def both(path: Path) -> None:
        write(path)
        path.write_bytes(change(path.read_bytes()))

    return both


def packed(place: int, kind: str, value: float) -> Callable[[bytes], bytes]:
    """Sets a field of a header."""

    def put(content: bytes) -> bytes:
        field = struct.pack(kind, value)
        return content[:place] + field + content[place + len(field) :]

    return put


def series(**tags: object) -> Callable[[Path], object]:
    return lambda folder: write_series(folder, STACK, **tags)


def series_without(*names: str) -> Callable[[Path], object]:
    return lambda folder: (write_series(folder, STACK), [(folder / name).unlink() for name in names])


def series_with(change: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: (write_series(folder, STACK), change(folder))


def one_file_cut(size: int) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / "004.dcm").write_bytes((folder / "004.dcm").read_bytes()[:size])

    return series_with(change)


def without_preamble(folder: Path) -> None:
    write_series(folder, STACK)
    for path in sorted(folder.iterdir()):
        path.with_suffix("").write_bytes(path.read_bytes()[132:])
        path.unlink()


def link(write: Callable[[Path], object], hidden: str) -> Callable[[Path], object]:
    """A link to what lies in a hidden folder, under another name."""

    def make(path: Path) -> None:
        target = path.parent / ".store" / hidden
        target.parent.mkdir()
        write(target)
        path.symlink_to(target)

    return make


def header_naming(name: str, kind: str) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        with_itk(path)
        own = path.stem + ".raw"
        path.write_text(path.read_text().replace(own, name))

    assert kind in ("mhd", "nhdr")
    return make


def two_echoes(folder: Path) -> None:
    """Every position twice in one series."""
    write_series(folder, STACK)
    for path in sorted(folder.iterdir()):
        item = pydicom.dcmread(path)
        item.EchoTime = 80
        item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = f"{item.SOPInstanceUID[:50]}.2"
        item.save_as(folder / f"second_{path.name}")


def colour(path: Path) -> None:
    itk.imwrite(itk.image_from_array(np.zeros((4, 17, 18, 3), "u1"), is_vector=True), str(path))


def claims_gigabytes(content: bytes) -> bytes:
    content = gzip.decompress(content)
    return gzip.compress(content[:42] + struct.pack("<3h", 20000, 20000, 20) + content[48:])


GOOD = [
    *(Input(name, file, write) for name, (file, write) in FORMATS.items()),
    Input("capital ending", "SCAN.NII.GZ", nifti),
    Input("spaces and umlauts", "M\u00fcller scan 1.nii.gz", nifti),
    Input("one volume on a fourth axis", "scan.nii.gz", save(FLOAT[..., None])),
    Input("three volumes", "scan.nii.gz", save(np.stack([FLOAT, FLOAT, FLOAT], axis=-1))),
    Input("slices along the first axis", "scan.nii.gz", save(np.ascontiguousarray(FLOAT.transpose(2, 0, 1)))),
    Input("one slice", "scan.nii", save(FLOAT[:, :, :1])),
    Input("link", "subject.nii.gz", link(nifti, "MD5E-s100--0123.nii.gz")),
    Input("linked folder", "series", link(series(), "PATIENT")),
    Input("DICOM without preamble or ending", "series", without_preamble),
    Input("DICOM with a README", "series", series_with(lambda folder: (folder / "README").write_text("x"))),
    Input("scaled by infinity", "scan.nii", changed(nifti, packed(112, "<f", np.inf))),
]
BAD = [
    Input("empty", "scan.nii", text(""), "damaged, incomplete"),
    Input("text", "scan.nii.gz", text("404: Not Found\n"), "damaged, incomplete"),
    Input("cut", "scan.nii", changed(nifti, lambda content: content[:3000]), "damaged, incomplete"),
    Input("cut gzip", "scan.nii.gz", changed(nifti, lambda content: content[:-5]), "damaged, incomplete"),
    Input("wrong checksum", "scan.nii.gz", changed(nifti, lambda c: c[:-8] + b"1234" + c[-4:]), "damaged, incomplete"),
    Input("claims gigabytes", "scan.nii.gz", changed(good("nifti"), claims_gigabytes), "damaged, incomplete"),
    Input("NaN", "scan.nii", with_voxel(np.nan), "NaN"),
    Input("infinity", "scan.nii", with_voxel(np.inf), "infinite"),
    Input("negative", "scan.nii", save(FLOAT - 600), "negative values"),
    Input("zeros", "scan.nii", save(FLOAT * 0), "all voxels are zero"),
    Input("complex", "scan.nii", save(FLOAT.astype(np.complex64)), "complex voxels"),
    Input("NaN in the sform", "scan.nii", changed(nifti, packed(280, "<f", np.nan)), "orientation"),
    Input("two axes", "scan.nii", save(FLOAT[..., 0]), "2 axes"),
    Input("cut NRRD", "scan.nrrd", changed(with_itk, lambda content: content[:-9]), "damaged, incomplete"),
    Input("cut MGZ", "scan.mgz", changed(mgh, lambda content: content[:-9]), "damaged, incomplete"),
    Input("cut MetaImage", "scan.mha", changed(compressed_with_itk, lambda c: c[:-9]), "damaged, incomplete"),
    Input("header naming /etc/passwd", "scan.mhd", header_naming("/etc/passwd", "mhd"), "outside its own folder"),
    Input("header naming a folder above", "scan.nhdr", header_naming("../x.raw", "nhdr"), "outside its own folder"),
    Input("pipe", "scan.nii", os.mkfifo, "pipe or device"),
    Input("slice missing", "series", series_without("002.dcm"), "mm apart"),
    Input("slice cut", "series", one_file_cut(900), "copy"),
    Input("slice empty", "series", one_file_cut(0), "is empty"),
    Input("phase", "series", series(ImageType=["ORIGINAL", "PRIMARY", "P"]), "phase"),
    Input("two echoes", "series", two_echoes, "two slices at one position"),
]
INPUTS = [*GOOD, *BAD]


def write_inputs(folder: Path) -> dict[str, Path]:
    """All of them, each in a folder of its own; the path of the scan by name."""
    paths = {}
    for number, each in enumerate(INPUTS):
        own = folder / f"{number:02d}"
        own.mkdir(parents=True)
        paths[each.name] = own / each.file
        each.write(own / each.file)
    return paths

"""No patient data and no paths in any file that is written, in any log or in MLflow."""

from __future__ import annotations

import gzip
import os
import re
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.privacy.conftest import FOLDER, HEADER_WORDS, PATIENT_TAGS, SERIES, TAG_WORDS, everything_in, found_in, said

ALL_WORDS = TAG_WORDS | set(HEADER_WORDS.values()) | {FOLDER}
TINY = Path(__file__).parents[1] / "bundle" / "tiny_training.json"


def is_image_of_nifti(name: str) -> bool:
    """A denoised NIfTI file keeps the header of its source."""
    return ".nii" in name


def repeats_the_training(name: str) -> bool:
    """The executed config names folders, so that the user can repeat the training; it is not sent anywhere."""
    return name.startswith("config_")


def but_the_options(log: str) -> str:
    """The log without MONAI's summary of the options of the command."""
    return re.sub(r"(?m)^.* - INFO - > \w+: .*$", "", log)


def test_search_finds_words_in_archives_tables_and_pictures(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"...kwxone..."))
    np.savez_compressed(tmp_path / "b.npz", text=np.array("kwxtwo").astype("S"))
    with sqlite3.connect(tmp_path / "c.db") as database:
        database.execute("create table t (x)")
        database.execute("insert into t values ('kwxthree')")
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "kwxfour", zip=True)
    Image.new("L", (2, 2)).save(tmp_path / "d.png", pnginfo=texts)
    (tmp_path / "kwxfive").touch()
    found = {line.split()[0] for line in found_in(tmp_path, {"KWXone", "kwxtwo", "kwxthree", "kwxfour", "kwxfive"})}
    assert len(found) == 5


def test_data_are_tagged(patients):
    assert len(found_in(patients.parent, ALL_WORDS)) > 150
    assert {line.split(" in ")[0] for line in found_in(patients.parent, ALL_WORDS)} == ALL_WORDS


def test_denoised_scans_hold_nothing_private(patients, tmp_path, mri_denoise):
    (tmp_path / "one").mkdir()
    single = mri_denoise("denoise", patients / "nifti" / "scan.nii.gz", tmp_path / "one" / "clean.nii.gz")
    folder = mri_denoise("denoise", patients / "nifti", tmp_path / "folder", "--maps", "sigma", "--report")
    assert single.code == folder.code == 0
    assert not found_in(tmp_path, TAG_WORDS | {FOLDER})
    assert not found_in(tmp_path, ALL_WORDS, but=is_image_of_nifti)
    assert not said(single.said + folder.said, ALL_WORDS - {FOLDER})


@pytest.mark.parametrize("output", ["clean.nii.gz", "clean.nrrd", "clean.mha"])
def test_images_of_a_dicom_series_hold_nothing_private(output, patients, tmp_path, mri_denoise):
    outcome = mri_denoise("denoise", patients / "dicom" / SERIES, tmp_path / output, "--report")
    assert outcome.code == 0, outcome.said
    assert not found_in(tmp_path, ALL_WORDS)
    assert not said(outcome.said, ALL_WORDS - {FOLDER})


def test_derived_series_keeps_only_its_patient_tags(patients, tmp_path, mri_denoise):
    outcome = mri_denoise("denoise", patients / "dicom" / SERIES, tmp_path / "derived", "--maps", "residual")
    assert outcome.code == 0, outcome.said
    is_slice = re.compile(r"derived/[^/]+\.dcm$").search
    assert len([name for name, _ in everything_in(tmp_path) if is_slice(name)]) >= 12
    assert found_in(tmp_path, {PATIENT_TAGS["PatientID"]})
    assert not found_in(tmp_path, {FOLDER})
    assert not found_in(tmp_path, ALL_WORDS, but=is_slice)
    assert not said(outcome.said, ALL_WORDS - {FOLDER})


def test_bids_derivative_holds_nothing_private(patients, tmp_path, mri_denoise):
    outcome = mri_denoise("bids", patients / "bids", tmp_path / "out", "participant")
    assert outcome.code == 0, outcome.said
    assert not found_in(tmp_path, ALL_WORDS | {"kwxdatasetname"}, but=is_image_of_nifti)
    assert not found_in(tmp_path, TAG_WORDS | {FOLDER})
    assert not said(outcome.said, ALL_WORDS), outcome.said


def test_training_and_its_run_hold_nothing_private(patients, tmp_path, mri_denoise):
    outcome = mri_denoise(
        "train", "--config", TINY, "--noisy-dir", patients / "nifti", "--clean-dir", patients / "dicom",
        "--output-dir", tmp_path, "--epochs", 1, "--dataset_dir", os.environ["MRI_DENOISE_CACHE"],
    )  # fmt: skip
    assert outcome.code == 0, outcome.said
    assert any(name == "mlruns.db" for name, _ in everything_in(tmp_path))
    assert not found_in(tmp_path, ALL_WORDS, but=repeats_the_training)
    assert not said(but_the_options(outcome.said), ALL_WORDS)


@pytest.mark.slow
def test_evaluation_and_its_run_hold_nothing_private(patients, tmp_path, mri_denoise):
    outcome = mri_denoise(
        "evaluate", "--test-dir", patients / "dicom", "--output-dir", tmp_path,
        "--validation_levels", "[10]", "--progress", "false",
    )  # fmt: skip
    assert outcome.code == 0, outcome.said
    names = {name for name, _ in everything_in(tmp_path)}
    assert "mlruns.db" in names and any(name.endswith(".png") for name in names)
    assert not found_in(tmp_path, ALL_WORDS, but=repeats_the_training)
    assert not said(but_the_options(outcome.said), ALL_WORDS)


@pytest.mark.slow
def test_benchmark_report_holds_nothing_private(patients, tmp_path, mri_denoise):
    out = tmp_path / "out"
    outcome = mri_denoise(
        "benchmark", "--volume", patients / "clean" / "clean.nii.gz", "--volume", patients / "dicom",
        "--volume", f"named={patients / 'nifti' / 'scan.nii.gz'}", "--quick", "--level", 10,
        "--method", "noisy", "--method", "ours", "--method", "dncnn", "--models-dir", patients / "damaged_models",
        "--baselines-python", link_to_python(tmp_path / FOLDER), "--output-dir", out,
    )  # fmt: skip
    assert outcome.code == 3, outcome.said
    names = {name for name, _ in everything_in(out)}
    assert {"tables.md", "results.csv", "cells/dicom/10_0/ours.npz/noisy.npy"} <= names
    assert "model_dncnn.pt" in (out / "results.csv").read_text()
    assert not found_in(out, ALL_WORDS)
    assert not said(outcome.said, ALL_WORDS)


def link_to_python(folder: Path) -> Path:
    """This interpreter by another path."""
    folder.mkdir()
    (folder / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (folder / "python").chmod(0o755)
    return folder / "python"

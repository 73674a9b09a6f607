"""The application as a process: what it writes, skips and logs."""

from __future__ import annotations

import shutil
from pathlib import Path

import itk
import numpy as np
import pydicom
import pytest
from monai.transforms import LoadImage

from monai_unsup_denoise.cli import main
from monai_unsup_denoise.errors import InputError
from tests_apps.deploy.conftest import APP, BUNDLE, Outcome, run_app
from tests_apps.deploy.studies import SECRET, StudyFiles, noisy_head

KEPT = (
    "PatientName PatientID PatientBirthDate PatientSex StudyInstanceUID StudyDate AccessionNumber FrameOfReferenceUID "
    "Rows Columns PixelSpacing SliceThickness ImageOrientationPatient ImagePositionPatient RescaleSlope "
    "RescaleIntercept BitsStored SOPClassUID InstanceNumber"
).split()


def slices(folder: Path, number: int | None = None) -> list[pydicom.Dataset]:
    """The images in a folder, of the series ``number`` if given, along the normal of the slices."""
    read = [pydicom.dcmread(path) for path in folder.iterdir()]
    images = [image for image in read if "PixelData" in image and number in (None, image.SeriesNumber)]
    normal = np.cross(images[0].ImageOrientationPatient[:3], images[0].ImageOrientationPatient[3:])
    return sorted(images, key=lambda image: float(np.dot(image.ImagePositionPatient, normal)))


def values(images: list[pydicom.Dataset]) -> np.ndarray:
    """Rescaled pixels ``(slices, rows, columns)``."""
    return np.stack([image.pixel_array * rescale(image)[0] + rescale(image)[1] for image in images])


def itk_geometry(files: list[str]) -> np.ndarray:
    """Size, spacing, origin and direction of a series, as ITK reads them."""
    image = itk.imread(files)
    return np.concatenate(
        [
            np.ravel(np.asarray(part, dtype=float))
            for part in (
                itk.size(image),
                image.GetSpacing(),
                image.GetOrigin(),
                itk.array_from_matrix(image.GetDirection()),
            )
        ]
    )


def test_each_mr_volume_gets_a_sub_folder(denoised):
    folder, outcome = denoised
    assert outcome.code == 0, outcome.log
    assert sorted(path.name for path in folder.iterdir()) == ["series-3", "series-7"]
    assert [len(list((folder / name).iterdir())) for name in ("series-3", "series-7")] == [8, 6]


def test_skipped_series_are_logged(denoised):
    log = denoised[1].log
    for line in ("series 1: skipped, one slice", "series 12: skipped, CT", "series 2: skipped, slices of 3 orient"):
        assert line in log
    assert "skipped, no DICOM image: 1 file" in log
    assert "series 3: denoised, 8 slices, sigma" in log


def test_log_names_no_patient_file_or_identifier(denoised, study):
    log = denoised[1].log
    images = [pydicom.dcmread(path, stop_before_pixels=True) for path in study.iterdir()]
    secrets = {SECRET, "1950", "IM0", str(study), str(denoised[0])}
    secrets |= {str(image[tag].value) for image in images for tag in ("StudyInstanceUID", "SeriesInstanceUID")}
    assert not [secret for secret in secrets if secret in log]


@pytest.mark.parametrize("number", [3, 7])
def test_slices_keep_patient_study_and_geometry(number, denoised, study):
    sources, derived = slices(study, number), slices(denoised[0] / f"series-{number}")
    assert len({image.SeriesInstanceUID for image in derived}) == 1
    assert derived[0].SeriesInstanceUID != sources[0].SeriesInstanceUID
    for source, image in zip(sources, derived, strict=True):
        assert {tag: image[tag].value for tag in KEPT} == {tag: source[tag].value for tag in KEPT}
        assert image.ImageType[:2] == ["DERIVED", "SECONDARY"]
        assert image.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert image.SOPInstanceUID != source.SOPInstanceUID
        assert "Rician noise removed" in image.DerivationDescription


@pytest.mark.parametrize("number", [3, 7])
def test_itk_reads_the_geometry_of_the_source(number, denoised, study):
    sources, derived = slices(study, number), slices(denoised[0] / f"series-{number}")
    geometry = [itk_geometry([str(image.filename) for image in images]) for images in (sources, derived)]
    np.testing.assert_allclose(geometry[0], geometry[1], rtol=0, atol=1e-6)
    assert geometry[0][3] != geometry[0][4]  # pixels that are not square


def assert_as_by_command(source: Path, derived: list[pydicom.Dataset], folder: Path, *options: object) -> None:
    """The pixels are within half a stored unit of the float32 NIfTI of the command, read by another reader."""
    with pytest.raises(SystemExit) as ended:
        main(["denoise", str(source), str(folder / "out.nii.gz"), *map(str, options)])
    assert not ended.value.code
    expected = LoadImage(image_only=True)(folder / "out.nii.gz").numpy()
    slope, intercept, stored = [np.array([rescale(image)[k] for image in derived]) for k in range(3)]
    found = values(derived).transpose(2, 1, 0)
    assert (np.abs(found - expected.clip(intercept, intercept + slope * stored)) <= 0.501 * slope).all()


def rescale(image: pydicom.Dataset) -> tuple[float, float, int]:
    """Slope, intercept, and the highest integer that is stored."""
    return float(image.get("RescaleSlope", 1)), float(image.get("RescaleIntercept", 0)), 2**image.BitsStored - 1


@pytest.mark.parametrize("number", [3, 7])
def test_pixels_equal_those_of_the_command_line(number, denoised, study, tmp_path):
    derived = slices(denoised[0] / f"series-{number}")
    assert_as_by_command(study, derived, tmp_path, "--series", number)
    removed = np.abs(values(derived) - values(slices(study, number)))
    assert removed.mean() > 5 * rescale(derived[0])[0]


def assert_same_pixels(folder: Path, other: Path) -> None:
    stored = [np.stack([image.pixel_array for image in slices(each)]).astype(int) for each in (folder, other)]
    difference = np.abs(stored[0] - stored[1])
    assert difference.max() <= 1  # a value at the border between two integers may round either way
    assert (difference > 0).mean() < 1e-3


def test_torchscript_gives_the_pixels_of_the_bundle(denoised, study, tmp_path):
    outcome = run_app("-i", study, "-o", tmp_path / "out", "-m", BUNDLE / "models" / "model.ts")
    assert outcome.code == 0, outcome.log
    for name in ("series-3", "series-7"):
        assert_same_pixels(denoised[0] / name, tmp_path / "out" / name)


def test_app_leaves_the_source_unchanged(study, denoised):
    assert all((pydicom.dcmread(path).SeriesNumber < 1000) for path in study.iterdir())
    assert len(list(study.iterdir())) == 8 + 6 + 1 + 3 + 4 + 1


def fails(*arguments: object) -> Outcome:
    outcome = run_app(*arguments)
    assert outcome.code == 1, outcome.log
    assert "Traceback" not in outcome.log
    return outcome


def test_study_without_mr_is_an_error_in_one_line(tmp_path):
    files = StudyFiles(tmp_path / "study")
    files.add_images(noisy_head((4, 32, 32), 4), 12, modality="CT")
    files.add_report(99)
    log = fails("-i", files.folder, "-o", tmp_path / "out").log
    assert "error: " in log and "no MR series of several slices" in log
    assert not list((tmp_path / "out").iterdir())


def test_failing_series_does_not_stop_the_others(denoised, study, tmp_path):
    copy = tmp_path / "study"
    shutil.copytree(study, copy)
    Path(slices(copy, 3)[4].filename).unlink()
    log = fails("-i", copy, "-o", tmp_path / "out", "-m", BUNDLE).log
    assert "series 3 cannot be denoised: " in log and "some are missing" in log
    assert str(tmp_path) not in log
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["series-7"]
    assert_same_pixels(denoised[0] / "series-7", tmp_path / "out" / "series-7")


def test_existing_output_is_not_replaced(study, denoised):
    before = {path: path.stat().st_mtime_ns for path in denoised[0].rglob("*")}
    log = fails("-i", study, "-o", denoised[0]).log
    assert "holds a series already" in log
    assert before == {path: path.stat().st_mtime_ns for path in denoised[0].rglob("*")}


def test_hostile_uid_stays_below_the_output_folder(tmp_path):
    files = StudyFiles(tmp_path / "study")
    files.add_images(noisy_head((6, 32, 44), 1), 5)
    files.add_images(noisy_head((6, 32, 44), 2), 5, turned_by=30, series="1/../../ESCAPED")
    outcome = run_app("-i", files.folder, "-o", tmp_path / "out")
    assert outcome.code == 0 and "ESCAPED" not in outcome.log, outcome.log
    assert {path.name for path in tmp_path.iterdir()} == {"study", "out"}
    assert len(list((tmp_path / "out").glob("series-*/IM0006.dcm"))) == 2
    assert len(list((tmp_path / "out").glob("series-uid-*"))) == 1


def test_lost_slice_is_an_error_that_names_no_file(tmp_path):
    files = StudyFiles(tmp_path / "study")
    files.add_images(noisy_head((6, 32, 44), 1), 5)
    next(files.folder.iterdir()).write_bytes(b"")
    log = fails("-i", files.folder, "-o", tmp_path / "out").log
    assert "series 5 cannot be denoised: is empty" in log and "IM0" not in log
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (BUNDLE / "models" / "model.pt", "not a TorchScript file"),
        (BUNDLE / "docs" / "README.md", "not a TorchScript file"),
        (BUNDLE / "models", "no model"),
    ],
    ids=["weights", "text", "a folder of several files"],
)
def test_missing_model_is_an_error_in_one_line(model, message, monkeypatch):
    monkeypatch.syspath_prepend(str(APP))
    from model_path import load_denoiser

    with pytest.raises(InputError, match=message) as error:
        load_denoiser(model)
    assert str(error.value).startswith(f"{model}: ") and "\n" not in str(error.value)


def test_real_sagittal_series_equals_that_of_the_command_line(data_dir, tmp_path):
    folder = data_dir / "dicom" / "decubitus_t1_fl2d_sag"
    if not folder.is_dir():
        pytest.skip("needs dicom/decubitus_t1_fl2d_sag among the volumes")
    middle = tmp_path / "middle"  # 8 of 35 slices, for the sake of time
    middle.mkdir()
    sources = slices(folder)[13:21]
    for source in sources:
        shutil.copy(source.filename, middle)
    outcome = run_app("-i", middle, "-o", tmp_path / "out", "-m", BUNDLE / "models" / "model.ts")
    assert outcome.code == 0, outcome.log
    derived = slices(tmp_path / "out" / f"series-{sources[0].SeriesNumber}")
    for source, image in zip(sources, derived, strict=True):
        for tag in (tag for tag in KEPT if tag in source):
            assert image[tag].value == source[tag].value
    geometry = [itk_geometry([str(image.filename) for image in images]) for images in (sources, derived)]
    np.testing.assert_allclose(geometry[0], geometry[1], rtol=0, atol=1e-6)
    assert (values(sources) != values(derived)).mean() > 0.1
    assert_as_by_command(middle, derived, tmp_path)

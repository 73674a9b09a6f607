"""What was measured of weights is used with these weights alone."""

import json
import shutil

import pytest
import torch

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional.scan_statistics import NAMES
from monai_unsup_denoise.inference import Denoiser, read_calibration
from monai_unsup_denoise.inference.calibration import CALIBRATION_FILES, Calibration, write_calibration
from monai_unsup_denoise.inference.weights import weights_sha256
from monai_unsup_denoise.networks import ErrorHead


@pytest.fixture
def folder(tmp_path, smoothing):
    """With weights, an error head and known scans."""
    shutil.copy(smoothing, tmp_path / "model.pt")
    head = ErrorHead()
    head.factors.copy_(torch.tensor([1.5, 2.5]))
    torch.save(head.state_dict(), tmp_path / "error_head.pt")
    rows = "\n".join(",".join([str(number)] * len(NAMES)) for number in range(9))
    (tmp_path / "known_scans.csv").write_text(",".join(NAMES) + "\n" + rows + "\n")
    content = {"model_sha256": weights_sha256(smoothing), "error_head": {}, "known_scans": {"limit": 2.5}}
    (tmp_path / "calibration.json").write_text(json.dumps(content))
    return tmp_path


def test_calibration_of_these_weights_is_read(folder):
    found = read_calibration(folder, model_path=folder / "model.pt")
    assert found.error_head is not None and found.error_head.factors.tolist() == [1.5, 2.5]
    assert found.known_scans is not None and found.known_scans.limit == 2.5


def test_calibration_of_other_weights_is_not(folder, identity):
    assert read_calibration(folder, model_path=identity) == Calibration()
    assert read_calibration(folder, model_path=None) == Calibration()
    (folder / "calibration.json").unlink()
    assert read_calibration(folder, model_path=folder / "model.pt") == Calibration()


def test_parts_that_the_json_does_not_name_are_left_out(folder):
    content = json.loads((folder / "calibration.json").read_text())
    for name in ("error_head", "known_scans"):
        del content[name]
        (folder / "calibration.json").write_text(json.dumps(content))
        assert getattr(read_calibration(folder, model_path=folder / "model.pt"), name) is None


@pytest.mark.parametrize("name", CALIBRATION_FILES)
def test_damaged_file_is_named(folder, name):
    (folder / name).write_text("{")
    with pytest.raises(InputError, match=name):
        read_calibration(folder, model_path=folder / "model.pt")


@pytest.mark.parametrize("name", CALIBRATION_FILES[1:])
def test_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: no"):
        read_calibration(folder, model_path=folder / "model.pt")


def test_parts_are_added_to_those_of_the_same_weights(folder, identity):
    file = folder / "calibration.json"
    write_calibration(folder, model_path=folder / "model.pt", known_scans={"limit": 3.5})
    assert json.loads(file.read_text()).keys() == {"model_sha256", "error_head", "known_scans"}
    known = read_calibration(folder, model_path=folder / "model.pt").known_scans
    assert known is not None and known.limit == 3.5
    write_calibration(folder, model_path=identity, error_head={})
    assert json.loads(file.read_text()) == {"model_sha256": weights_sha256(identity), "error_head": {}}


def test_other_weights_in_the_bundle_are_not_calibrated(bundle, folder, identity):
    shutil.copytree(bundle / "configs", folder / "bundle" / "configs")
    shutil.copytree(folder, folder / "bundle" / "models", ignore=lambda *_: ["bundle"])
    calibrated = Denoiser.from_bundle(folder / "bundle")
    assert calibrated.error_head is not None and calibrated.known_scans is not None
    other = Denoiser.from_bundle(folder / "bundle", model=identity)
    assert other.error_head is None and other.known_scans is None

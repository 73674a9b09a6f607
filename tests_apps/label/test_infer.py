"""Denoising through MONAI Label's REST interface gives what `mri-denoise` gives, whatever the client asks for."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest
import torch

from tests_apps.label.scans import MODEL, SECRET, head, save

URL = f"/infer/{MODEL}"


def assert_same(image, expected) -> None:
    """float32, voxels within 1e-4 of the range, exactly the affine that NIfTI stores."""
    voxels, affine, _ = expected
    found = np.asanyarray(image.dataobj)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, voxels, atol=1e-4 * np.ptp(voxels))
    assert np.array_equal(image.affine, affine.astype(np.float32))


def test_info_lists_the_model_and_its_training(client) -> None:
    info = client.get("/info/").json()
    assert info["models"][MODEL]["type"] == "others"
    assert info["trainers"][MODEL]["config"]["max_epochs"] == 14


def test_scan_by_id_gives_the_voxels_of_mri_denoise(client, read, expected) -> None:
    answer = client.post(URL, params={"image": "scan_1", "output": "image"})
    assert answer.status_code == 200
    assert_same(read(answer.content), expected("scan_1.nii.gz"))


def test_answer_has_the_noise_report(client, expected) -> None:
    found = client.post(URL, params={"image": "scan_1", "output": "json"}).json()
    names = {"sigma", "sigma_percent", "sigma_error_percent", "varying_noise", "correlated_noise", "correlation"}
    assert names <= set(found) <= names | {"coils", "sigma_is_sure"}
    assert found["sigma"] == pytest.approx(expected("scan_1.nii.gz")[2], rel=1e-5)
    assert found["sigma"] == pytest.approx(60, rel=0.2)


def test_uploaded_scan_gives_the_same_voxels(client, studies, read, expected) -> None:
    with (studies / "scan_1.nii.gz").open("rb") as file:
        answer = client.post(URL, params={"output": "image"}, files={"file": ("my scan.v1.nii.gz", file)})
    assert_same(read(answer.content), expected("scan_1.nii.gz"))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_plugin_that_asks_for_integers_gets_float32(client, read, expected, dtype) -> None:
    asked = {"result_dtype": dtype, "result_extension": ".nrrd", "result_compress": False, "client_id": "user-xyz"}
    answer = client.post(URL, params={"image": "scan_2", "output": "image"}, data={"params": json.dumps(asked)})
    assert_same(read(answer.content), expected("scan_2.nii"))


def test_dicom_folder_is_an_image_and_keeps_its_geometry(client, read, expected) -> None:
    assert "series.1" in client.get("/datastore/", params={"output": "all"}).json()["objects"]
    answer = client.post(URL, params={"image": "series.1", "output": "image"})
    assert_same(read(answer.content), expected("series.1"))
    assert read(answer.content).header.get_zooms() == pytest.approx((1.3, 0.8, 3.0))


def test_all_volumes_of_a_scan_are_denoised(client, tmp_path, read) -> None:
    from monai_unsup_denoise.inference import Denoiser

    path = save(tmp_path / "series.nii.gz", np.stack([head(1), head(2)], axis=-1))
    expected = Denoiser.from_bundle().denoise(path)
    with path.open("rb") as file:
        answer = client.post(URL, params={"output": "image"}, files={"file": ("series.nii.gz", file)})
    assert_same(read(answer.content), (expected.denoised, expected.affine, None))


def test_request_can_keep_the_noise_floor(client, studies, read) -> None:
    plain, floor = (
        read(
            client.post(URL, params={"image": "scan_1", "output": "image"}, data={"params": params}).content
        ).get_fdata()
        for params in ("{}", '{"keep_floor": true}')
    )
    assert floor[:2, :2].mean() > plain[:2, :2].mean() + 40  # sigma sqrt(pi / 2) is 75


@pytest.mark.parametrize("value", [True, False])
def test_request_can_set_the_kind_of_noise(client, value) -> None:
    asked = {"params": json.dumps({"varying_noise": value, "refine": False})}
    assert client.post(URL, params={"image": "scan_1", "output": "json"}, data=asked).json()["varying_noise"] is value


def test_setting_that_is_gone_gets_422_and_its_name(client) -> None:
    answer = client.post(URL, params={"image": "scan_1"}, data={"params": '{"correlated_noise": false}'})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "correlated_noise: correlation is read from the scan; leave it out"


def test_switch_that_is_no_boolean_gets_422_and_its_name(client) -> None:
    answer = client.post(URL, params={"image": "scan_1"}, data={"params": '{"refine": "no"}'})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("refine: 'no' is no switch")


def test_request_can_choose_the_strength(client, read) -> None:
    answers = {}
    for strength in ("1", "0.5", "true", "2"):
        asked = {"params": f'{{"strength": {strength}, "refine": false}}'}
        answers[strength] = client.post(URL, params={"image": "scan_1", "output": "image"}, data=asked)
    assert answers["true"].status_code == answers["2"].status_code == 422
    assert answers["true"].json()["detail"].startswith("strength: True is no number")
    assert answers["2"].json()["detail"] == "strength: 2 is out of range; give a number above 0 and at most 1"
    whole, half = (read(answers[strength].content).get_fdata() for strength in ("1", "0.5"))
    assert half[:2, :2].std() > 2 * whole[:2, :2].std()


def test_error_names_no_folder_of_the_server(client, studies) -> None:
    (studies / "damaged.nii.gz").write_bytes(b"not an image")
    answer = client.post(URL, params={"image": str(studies / "damaged.nii.gz")})
    (studies / "damaged.nii.gz").unlink()
    assert answer.status_code == 422
    assert "damaged.nii.gz" in answer.text and str(studies) not in answer.text


def test_unknown_image_gets_404_and_its_name(client) -> None:
    answer = client.post(URL, params={"image": "scan_99"})
    assert answer.status_code == 404
    assert "scan_99" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("voxels", "reason"), [(-head(1), "negative"), (head(1)[:, :, 0], "3-D volume"), (head(1) * 0, "zero")]
)
def test_invalid_volume_gets_422_and_the_reason(client, tmp_path, voxels, reason) -> None:
    with save(tmp_path / "bad.nii.gz", voxels).open("rb") as file:
        answer = client.post(URL, files={"file": ("bad.nii.gz", file)})
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]


def test_file_that_is_no_image_gets_422(client) -> None:
    answer = client.post(URL, files={"file": ("bad.nii.gz", b"not an image")})
    assert answer.status_code == 422
    assert "cannot be read" in answer.json()["detail"]


def test_batch_goes_on_after_a_bad_scan(client, studies, expected) -> None:
    bad = save(studies / "bad.nii.gz", -head(4))
    from monailabel.interfaces.utils.app import app_instance

    app_instance().datastore().refresh()
    try:
        answer = client.post(f"/batch/infer/{MODEL}", params={"images": "all", "run_sync": True}, json={})
    finally:
        bad.unlink()
        app_instance().datastore().refresh()
    done = answer.json()
    assert set(done) == {"bad", "scan_1", "scan_2", "series.1"}
    assert "negative" in done.pop("bad")["error"]
    for name, file in (("scan_1", "scan_1.nii.gz"), ("scan_2", "scan_2.nii"), ("series.1", "series.1")):
        assert done[name]["params"]["sigma"] == pytest.approx(expected(file)[2], rel=1e-5)
        assert_same(nibabel.load(studies / "labels" / "original" / f"{name}.nii.gz"), expected(file))


def test_weights_of_another_network_get_422(client, bundle) -> None:
    other = bundle / "models" / "other.pt"
    state = torch.load(bundle / "models" / "model.pt", weights_only=True)
    torch.save(dict(list(state.items())[:-1]), other)
    answer = client.post(URL, params={"image": "scan_1"}, data={"params": '{"model_filename": "other.pt"}'})
    other.unlink()
    assert answer.status_code == 422
    assert "another network" in answer.json()["detail"]


def test_answer_and_log_hold_no_patient_tag(client, caplog) -> None:
    with caplog.at_level("INFO"):
        answer = client.post(URL, params={"image": "series.1"})
    assert answer.status_code == 200
    assert caplog.text and SECRET not in caplog.text
    assert SECRET.encode() not in answer.content

"""Which configs a site takes part in a federated training with."""

import json
from pathlib import Path

import pytest

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.cli.site_configs import VARIABLE, site_configs
from monai_unsup_denoise.errors import InputError


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "site.json"
    path.write_text(json.dumps({"batch_size": 1}))
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def test_settings_of_the_site_come_last(settings):
    names = [Path(path).name for path in site_configs(["train_paper.json"])]
    assert names[0] == "train.json"
    assert names[-2:] == ["train_paper.json", "site.json"]
    assert "adversarial.json" in names


def test_a_config_of_the_current_folder_is_not_taken(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train_paper.json").write_text('{"seed": "$print()"}')
    assert str(bundle_folder() / "configs" / "train_paper.json") in site_configs(["train_paper.json"])


@pytest.mark.parametrize("name", ["/tmp/train.json", "../configs/train.json", "inference.json", "train_other.json"])
def test_other_configs_than_the_bundles_are_refused(settings, name):
    with pytest.raises(InputError, match="not a config of the bundle on this machine"):
        site_configs([name])


def test_a_site_needs_its_settings(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(InputError, match=f"{VARIABLE}: not set"):
        site_configs()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.json"))
    with pytest.raises(InputError, match="no such file"):
        site_configs(needs_settings=False)


def test_the_server_can_do_without_settings(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert [Path(path).name for path in site_configs(needs_settings=False)] == ["train.json"]

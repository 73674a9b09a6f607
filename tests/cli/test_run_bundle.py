"""Which configs a command of `mri-denoise` hands to MONAI, in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from monai_unsup_denoise.cli.run_bundle import config_files
from monai_unsup_denoise.errors import InputError


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ["train"]),
        (["train_full.json"], ["train", "train_full"]),
        (["train_paper.json"], ["train", "adversarial", "slab_2d", "published_experiment", "train_paper"]),
        (["train_dncnn.json"], ["train", "slab_2d", "train_paired", "train_dncnn"]),
        (["slab_2d.json", "train_dncnn.json"], ["train", "slab_2d", "train_paired", "train_dncnn"]),
        (
            ["weights_3_deeper.json", "multi_gpu_train.json"],
            ["train", "train_deeper", "weights_3_deeper", "multi_gpu_train"],
        ),
    ],
)
def test_a_config_comes_after_those_that_it_changes(names: list[str], expected: list[str]) -> None:
    assert [Path(path).stem for path in config_files(names)] == expected


def test_a_config_of_the_user_may_change_one_of_the_bundle(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("base: [train_paper.json]\nmax_epochs: 3\n")
    assert [Path(path).name for path in config_files([str(tmp_path / "mine.yaml")])] == [
        *("train.json", "adversarial.json", "slab_2d.json", "published_experiment.json", "train_paper.json"),
        "mine.yaml",
    ]


def test_an_unknown_base_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"base": ["nowhere.json"]}')
    with pytest.raises(InputError, match="nowhere.json: no such config"):
        config_files([str(tmp_path / "mine.json")])

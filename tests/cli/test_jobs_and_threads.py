"""The options `--jobs` and `--threads`; what jobs do is in tests/reliability/test_jobs.py."""

import pytest
import torch


@pytest.mark.parametrize("command", ["denoise", "bids"])
@pytest.mark.parametrize("option", ["--jobs", "--threads"])
def test_no_jobs_or_threads_are_refused_in_one_line(command, option, scan, tmp_path, mri_denoise):
    words = [scan.parent, tmp_path / "out", *(["participant"] if command == "bids" else [])]
    outcome = mri_denoise(command, *words, option, 0)
    assert outcome.code == 2 and outcome.err.splitlines()[-1].startswith(f"Error: Invalid value for '{option}': ")
    assert not (tmp_path / "out").exists()


def test_option_threads_sets_those_of_pytorch(scan, tmp_path, identity, mri_denoise):
    before = torch.get_num_threads()
    try:
        for threads, source in ((3, scan), (2, scan.parent)):
            outcome = mri_denoise(
                "denoise", source, f"{tmp_path}/{threads}/", "--threads", threads, "--model", identity
            )
            assert (outcome.code, torch.get_num_threads()) == (0, threads)
    finally:
        torch.set_num_threads(before)

"""Links, odd names, closed streams, signals and full names: no scan is lost, none of the user's files is replaced."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import nibabel
import numpy as np
import pytest

COMMAND = [sys.executable, "-c", "from monai_unsup_denoise.cli import main; main()", "denoise"]


def run(*arguments: object, redirect: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`mri-denoise denoise` in a process of its own."""
    words = [*COMMAND, *(os.fspath(word) for word in arguments)]
    shell = ["bash", "-c", f'exec "$@" {redirect}', "bash"] if redirect else []
    return subprocess.run([*shell, *words], capture_output=True, env={**os.environ, **environment}, check=False)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_link_keeps_its_own_name(scan, tmp_path, identity, mri_denoise):
    """Keys of DataLad, pseudonyms, and targets of one name in two folders."""
    links = tmp_path / "links"
    links.mkdir()
    for subject in ("DOE_JOHN", "DOE_JANE"):
        (tmp_path / subject).mkdir()
        (tmp_path / subject / "T1.nii.gz").write_bytes(scan.read_bytes())
    (links / "subj001.nii.gz").symlink_to(tmp_path / "DOE_JOHN" / "T1.nii.gz")
    (links / "subj002.nii.gz").symlink_to(tmp_path / "DOE_JANE" / "T1.nii.gz")
    outcome = mri_denoise("denoise", links, tmp_path / "out", "--model", identity)
    assert outcome.code == 0, outcome.err
    stems = ("subj001", "subj002")
    assert names(tmp_path / "out") == {f"{stem}{ending}" for stem in stems for ending in (".nii.gz", ".json")}
    assert mri_denoise("denoise", links / "subj001.nii.gz", tmp_path / "x.nii.gz", "--model", identity).code == 0
    for sidecar, source in (("out/subj002.json", "subj002.nii.gz"), ("x.json", "subj001.nii.gz")):
        content = (tmp_path / sidecar).read_text()
        assert json.loads(content)["Sources"] == [source] and "DOE" not in content and "T1" not in content


def test_users_own_sidecar_is_never_replaced(scan, tmp_path, identity, mri_denoise):
    own = tmp_path / "T1.json"
    own.write_text('{"EchoTime": 0.004}')
    for options in ((), ("--overwrite",)):
        outcome = mri_denoise("denoise", scan, tmp_path / "T1.nii.gz", "--model", identity, *options)
        assert outcome.code == 1 and f"{own}: exists already and is not of mri-denoise" in outcome.err
        assert "--overwrite" not in outcome.err and own.read_text() == '{"EchoTime": 0.004}'
    own.unlink()
    assert mri_denoise("denoise", scan, tmp_path / "T1.nii.gz", "--model", identity).code == 0
    assert mri_denoise("denoise", scan, tmp_path / "T1.nii.gz", "--model", identity, "--overwrite").code == 0


def test_two_scans_of_one_stem_do_not_share_a_sidecar(scan, tmp_path, identity, mri_denoise):
    scan.with_suffix("").write_bytes(gzip.decompress(scan.read_bytes()))  # scan.nii beside scan.nii.gz
    outcome = mri_denoise("denoise", scan.parent, tmp_path / "out", "--model", identity)
    assert outcome.code == 1 and outcome.err.count("or its .json, too; denoise it by itself") == 2
    assert not (tmp_path / "out").exists()


def test_name_that_is_not_utf8_is_denoised(scan, tmp_path, identity):
    for name in (b"M\xfcller.nii.gz", "M\u00fcller.nii.gz".encode(), b"a.nii.gz"):
        Path(os.fsdecode(os.path.join(os.fsencode(scan.parent), name))).write_bytes(scan.read_bytes())
    done = run(scan.parent, tmp_path / "out", "--model", identity, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert len(names(tmp_path / "out")) == 2 * 4
    assert done.stdout.count(b"sigma") == 4 and b"M\\udcfcller.nii.gz" in done.stdout and b"M\\xfcller" in done.stdout
    sources = {json.loads(path.read_text())["Sources"][0] for path in (tmp_path / "out").glob("*.json")}
    assert sources == {"scan.nii.gz", "a.nii.gz", "M\u00fcller.nii.gz", "M\udcfcller.nii.gz"}


@pytest.mark.parametrize("redirect", ["2>&-", "<&- >&- 2>&-", ">/dev/full"])
def test_closed_stream_does_not_stop_a_folder(redirect, scan, tmp_path, identity):
    (scan.parent / "other.nii.gz").write_bytes(scan.read_bytes())
    done = run(scan.parent, tmp_path / "out", "--model", identity, "--no-refine", redirect=redirect)
    assert names(tmp_path / "out") == {"scan.nii.gz", "scan.json", "other.nii.gz", "other.json"}
    if redirect != ">/dev/full":
        assert done.returncode == 0
    np.testing.assert_allclose(
        nibabel.load(tmp_path / "out" / "scan.nii.gz").get_fdata(), nibabel.load(scan).get_fdata(), atol=0.2
    )


def test_control_characters_of_names_are_escaped(scan, tmp_path, identity, mri_denoise):
    odd = scan.with_name("a\n\x1b[31mb.nii.gz")
    odd.write_bytes(scan.read_bytes())
    done = mri_denoise("denoise", odd, tmp_path / "x.nii.gz", "--model", identity, "--no-refine")
    assert done.code == 0 and done.out.count("\n") == 1 and r"a\n\x1b[31mb.nii.gz: sigma" in done.out
    odd.write_bytes(b"")
    refused = mri_denoise("denoise", scan.parent, tmp_path / "out", "--model", identity, "--no-refine")
    assert "1 of 2 scans could not be denoised:\n  " in refused.err and r"a\n\x1b[31mb.nii.gz: " in refused.err


@pytest.mark.parametrize("name", ["b" * 300, "~no-such-user/b"], ids=["long", "unknown home"])
def test_impossible_place_is_refused_in_one_line(name, scan, mri_denoise, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in ((name, "x.nii"), (scan, "x.nii.gz", "--bundle", name), (scan, "x.nii.gz", "--model", name)):
        outcome = mri_denoise("denoise", *words)
        assert outcome.code == 1 and outcome.err.startswith("error: ") and outcome.err.count("\n") == 1
        assert name in outcome.err and ";" in outcome.err


def test_full_standard_output_is_one_line(mri_denoise, monkeypatch):
    with suppress(OSError), open("/dev/full", "w", buffering=1) as full:
        monkeypatch.setattr(sys, "stdout", full)
        outcome = mri_denoise("--version")
        monkeypatch.undo()
    assert outcome.code == 1 and outcome.err == "error: standard output: No space left on device; give another place\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_while_writing_leaves_nothing(number, tmp_path, scan, identity, bundle):
    """Stopped just before the file gets its name, by a hook in that process."""
    hook = tmp_path / "hook" / "sitecustomize.py"
    hook.parent.mkdir()
    hook.write_text(
        f"import os, signal\nreplace = os.replace\nsignal.signal({number:d}, signal.SIG_DFL)\n"  # `nohup` ignores it
        f"def stopped(a, b):\n    os.kill(os.getpid(), {number:d}) if str(b).endswith('.gz') else None\n"
        "    replace(a, b)\nos.replace = stopped\n"
    )
    done = run(scan, tmp_path / "out" / "x.nii.gz", "--model", identity, PYTHONPATH=str(hook.parent))
    assert done.returncode == 130 and b"Traceback" not in done.stderr
    assert not list((tmp_path / "out").iterdir())
    config = bundle / "configs" / "inference.json"
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", config, "--bundle_root", bundle]
    command += ["--dataset_dir", scan.parent, "--output_dir", tmp_path / "bundle", "--model_path", identity]
    environment = {**os.environ, "PYTHONPATH": f"{hook.parent}:{bundle.parents[1]}"}
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == -signal.SIGINT
    assert not list((tmp_path / "bundle").iterdir())


def test_name_too_long_is_refused_before_work(scan, tmp_path, identity, mri_denoise):
    longest = "a" * (255 - len(".json"))
    assert mri_denoise("denoise", scan, tmp_path / f"{longest[3:]}.nii.gz", "--model", identity).code == 0
    for name, options in (
        (f"{longest}.nii", ()),
        (f"{longest}a.nii", ()),
        (f"{longest[3:]}.nii.gz", ("--maps", "sigma")),
    ):
        start = time.perf_counter()
        outcome = mri_denoise("denoise", scan, tmp_path / "o" / name, "--model", identity, *options)
        is_possible = name == f"{longest}.nii"
        assert outcome.code == (0 if is_possible else 1)
        if not is_possible:
            assert "no possible name of a file" in outcome.err and outcome.err.count("\n") == 1
            assert time.perf_counter() - start < 5
    assert names(tmp_path / "o") == {f"{longest}.nii", f"{longest}.json"}


def test_capital_ending_is_kept_with_its_maps(scan, tmp_path, identity, mri_denoise):
    capital = scan.rename(scan.with_name("SCAN.NII.GZ"))
    outcome = mri_denoise("denoise", capital, f"{tmp_path}/out/", "--model", identity, "--maps", "sigma", "--no-refine")
    assert outcome.code == 0, outcome.err
    assert names(tmp_path / "out") == {"SCAN.NII.GZ", "SCAN_sigma.NII.GZ", "SCAN.json"}
    gzip.decompress((tmp_path / "out" / "SCAN_sigma.NII.GZ").read_bytes())
    np.testing.assert_allclose(
        nibabel.load(tmp_path / "out" / "SCAN.NII.GZ").get_fdata(), nibabel.load(capital).get_fdata(), atol=0.2
    )


def test_bids_names_two_images_of_one_stem(scan, tmp_path, identity, mri_denoise):
    anat = tmp_path / "data" / "sub-01" / "anat"
    anat.mkdir(parents=True)
    (tmp_path / "data" / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    for name in ("sub-01_T1w.nii.gz", "sub-01_T2w.nii.gz"):
        (anat / name).write_bytes(scan.read_bytes())
    (anat / "sub-01_T1w.nii").write_bytes(gzip.decompress(scan.read_bytes()))
    outcome = mri_denoise("bids", tmp_path / "data", tmp_path / "out", "participant", "--model", identity)
    assert outcome.code == 1 and outcome.err.count("too; remove one of them") == 2
    assert {name for name in names(tmp_path / "out") if "_T" in name} == {
        "sub-01_desc-denoised_T2w.nii.gz",
        "sub-01_desc-denoised_T2w.json",
        "sub-01_desc-denoised_T2w.html",
    }

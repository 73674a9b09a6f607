"""The tree holds no path of a machine, no images, and no long files."""

import re
import subprocess
from pathlib import Path

import pytest

PLACES = {
    "the path of one machine": re.compile(r"(?<![\w.~}$)*/:-])/(?:home|Users|root|work|mnt|scratch)/\w"),
    "a package registry's host": re.compile(
        r"(?:pypi|pythonhosted|anaconda)\.(?:org|com)\b|download\.pytorch\.org|\b(?:extra-)?index-url\b|\bfind-links\b"
    ),
}
#: The CPU build of PyTorch for Linux is in its own index alone; with the other, the image is several times larger.
ALLOWED = {"Dockerfile": "ARG TORCH_INDEX=https://download.pytorch.org/whl/${TORCH_BUILD}"}
IMAGE = re.compile(r"\.(?:nii|nii\.gz|nrrd|mha|mhd|mnc|dcm|h5)$", re.IGNORECASE)
LARGEST = 25 * 2**20
LONGEST = 250
MAY_BE_LONGER = {
    "bundles/brain_mri_denoise/configs/train.json": "the default training is one file, as in MONAI's model zoo",
    "bundles/brain_mri_denoise/docs/README.md": "and so is the model card",
    "docs/benchmark/tables.md": "generated",
}


@pytest.fixture(scope="module")
def tracked(repository: Path) -> list[Path]:
    """The files of the repository, those about to be added included."""
    if not (repository / ".git").exists():
        pytest.skip("not a git working tree")
    command = ["git", "-C", str(repository), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    paths = [repository / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("place", PLACES)
def test_no_file_names(tracked, repository, place):
    found = []
    for path in tracked:
        content = path.read_bytes()
        if path == Path(__file__).resolve() or b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), start=1):
            if PLACES[place].search(line) and ALLOWED.get(path.relative_to(repository).as_posix()) != line:
                found.append(f"{path.relative_to(repository)}:{number}: {line.strip()[:120]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("the path of one machine", 'DATA = "/home/someone/scans"'),
        *(
            ("the path of one machine", f"see /{folder}/notes.md")
            for folder in ("Users", "root", "work", "mnt", "scratch")
        ),
        ("a package registry's host", "pip install --index-url somewhere torch"),
        ("a package registry's host", "https://pypi.org/simple"),
    ],
)
def test_such_a_line_is_seen(place, line):
    assert PLACES[place].search(line)


@pytest.mark.parametrize("line", ["https://github.com/work", "../shared", "$HOME/root/x", "/usr/bin/env"])
def test_an_innocent_line_passes(line):
    assert not any(pattern.search(line) for pattern in PLACES.values())


def test_no_image_volume_and_no_large_file_is_tracked(tracked, repository):
    wrong = [
        str(path.relative_to(repository))
        for path in tracked
        if IMAGE.search(path.name) or path.stat().st_size > LARGEST
    ]
    assert not wrong, wrong


def test_no_file_is_longer_than_a_reader_wants(tracked, repository):
    lines = {
        path.relative_to(repository).as_posix(): path.read_text(encoding="utf-8").count("\n")
        for path in tracked
        if path.suffix in {".py", ".json", ".md", ".mk"} or path.name == "Makefile"
    }
    too_long = {name: count for name, count in lines.items() if count > LONGEST}
    assert not too_long.keys() - MAY_BE_LONGER, too_long
    assert not MAY_BE_LONGER.keys() - too_long, "no longer long: shorten the list"

"""What is found in a BIDS dataset, what its sidecars say, and what a derivative dataset is called."""

import json
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.bids.acquisition import acquisition_of
from monai_unsup_denoise.io.bids.dataset import check_only_one, find_scans, parse_name, read_description, read_metadata
from monai_unsup_denoise.io.bids.derivative import derived_path, open_derivative, sidecar_content
from monai_unsup_denoise.io.bids.ignore import read_ignore

IMAGES = (
    "sub-01/anat/sub-01_T1w.nii.gz",
    "sub-01/anat/sub-01_FLAIR.nii.gz",
    "sub-01/anat/sub-01_mod-T1w_defacemask.nii.gz",
    "sub-01/func/sub-01_task-rest_bold.nii.gz",
    "sub-02/ses-a/anat/sub-02_ses-a_run-1_T2w.nii",
    "sub-02/ses-a/anat/sub-02_ses-a_part-mag_PDw.nii.gz",
    "sub-02/ses-a/anat/sub-02_ses-a_part-phase_PDw.nii.gz",
    "sub-02/ses-a/anat/sub-02_ses-a_part-real_PDw.nii.gz",
    "sub-02/ses-b/anat/sub-02_ses-b_T1w.nii.gz",
    "sub-02/ses-b/anat/sub-02_ses-b_desc-mean_T1w.nii.gz",
    "derivatives/x/sub-01/anat/sub-01_T1w.nii.gz",
    "sourcedata/sub-01/anat/sub-01_T1w.nii.gz",
    "T1w.nii.gz",
)


@pytest.fixture
def dataset(tmp_path) -> Path:
    folder = tmp_path / "dataset"
    for name in IMAGES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.10.0"}))
    return folder


def names(scans) -> list[str]:
    return [scan.name for scan in scans]


def test_raw_magnitude_images_of_the_three_contrasts_are_found(dataset):
    assert names(find_scans(dataset)) == [
        "sub-01_T1w.nii.gz",
        "sub-02_ses-a_part-mag_PDw.nii.gz",
        "sub-02_ses-a_run-1_T2w.nii",
        "sub-02_ses-b_T1w.nii.gz",
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"participants": ["01"]}, ["sub-01_T1w.nii.gz"]),
        ({"participants": ["sub-01"]}, ["sub-01_T1w.nii.gz"]),
        ({"sessions": ["ses-b"]}, ["sub-02_ses-b_T1w.nii.gz"]),
        ({"suffixes": ["FLAIR"]}, ["sub-01_FLAIR.nii.gz"]),
        ({"participants": ["02"], "sessions": ["a"], "suffixes": ["T2w"]}, ["sub-02_ses-a_run-1_T2w.nii"]),
    ],
)
def test_participants_sessions_and_suffixes_can_be_chosen(wanted, found, dataset):
    assert names(find_scans(dataset, **wanted)) == found


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"participants": ["03"]}, "sub-03: not in .*; there are: 01, 02$"),
        ({"participants": ["01", "2"]}, "sub-2: not in .*; there are: 01, 02$"),
        ({"sessions": ["c"]}, "ses-c: not in .*; there are: a, b$"),
        ({"suffixes": ["UNIT1"]}, r"no UNIT1 image .*\(in anat: FLAIR, PDw, T1w, T2w, defacemask\)"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(wanted, message, dataset):
    with pytest.raises(InputError, match=message):
        find_scans(dataset, **wanted)


@pytest.mark.parametrize(
    ("rules", "ignored"),
    [
        ("sub-02/", ["sub-02"]),
        ("/sub-02", ["sub-02"]),
        ("*_T1w.*", ["_T1w"]),
        ("**/anat/*_T2w.nii", ["_T2w"]),
        ("sub-02/**/*run-[0-9]*", ["_run-1_"]),
        ("# sub-01\n\nses-a/\n", ["ses-a"]),
        ("sub-02/*\n!sub-02/ses-b/", ["ses-a"]),
        ("sub-02/\n!sub-02/ses-b/", ["sub-02"]),
        ("sub-0?/ses-b/anat/", ["ses-b"]),
        ("anat/*\nT1w.nii.gz\nsub-02/ses-a\\x\nub-01\nsub-01/anat/sub-01\n*.NII", []),
    ],
)
def test_bidsignore_is_heeded(rules, ignored, dataset):
    """As git does: ``git check-ignore`` gives the same for these rules."""
    everything = names(find_scans(dataset))
    (dataset / ".bidsignore").write_text(rules)
    expected = [name for name in everything if not any(part in name for part in ignored)]
    assert names(find_scans(dataset)) == expected

    (dataset / ".gitignore").write_text(rules)
    subprocess.run(["git", "init", "-q", str(dataset)], check=True)
    scans = [path.relative_to(dataset).as_posix() for path in dataset.rglob("sub-*_*.nii*")]
    done = subprocess.run(["git", "-C", str(dataset), "check-ignore", *scans], capture_output=True, text=True)
    by_git = {PurePosixPath(line).name for line in done.stdout.splitlines()}
    assert [name for name in everything if name not in by_git] == expected


def test_image_of_the_same_stem_is_refused(dataset):
    scan = PurePosixPath("sub-01/anat/sub-01_T1w.nii.gz")
    check_only_one(dataset, scan)
    (dataset / scan.with_suffix("")).touch()
    for name in (scan, scan.with_suffix("")):
        with pytest.raises(InputError, match=f"^{name}: there is .*T1w.nii(.gz)?, too; remove one of them$"):
            check_only_one(dataset, name)


def test_numbers_that_json_does_not_have_are_left_out(dataset):
    scan = PurePosixPath("sub-01/anat/sub-01_T1w.nii.gz")
    source = (
        '{"EchoTime": NaN, "FlipAngle": -Infinity, "DwellTime": 1e999, "SliceTiming": [0, NaN], "EchoTrainLength": 3}'
    )
    (dataset / "T1w.json").write_text(source)
    assert acquisition_of(read_metadata(dataset, scan)) == {"EchoTrainLength": 3}


def test_a_sidecar_applies_below_it_and_the_nearer_one_counts(dataset):
    def write(name: str, **content):
        (dataset / name).write_text(json.dumps(content))

    write("T2w.json", RepetitionTime=1, EchoTime=1, FlipAngle=1, top=1)
    write("run-1_T2w.json", FlipAngle=2, EchoTime=2)
    write("run-2_T2w.json", RepetitionTime=99)
    write("T1w.json", RepetitionTime=98)
    write("sub-02/sub-02_T2w.json", EchoTime=3)
    write("sub-02/ses-b/sub-02_ses-b_T2w.json", EchoTime=97)
    write("sub-02/ses-a/anat/sub-02_ses-a_run-1_T2w.json", RepetitionTime=4)
    scan = PurePosixPath("sub-02/ses-a/anat/sub-02_ses-a_run-1_T2w.nii")
    assert read_metadata(dataset, scan) == {"RepetitionTime": 4, "EchoTime": 3, "FlipAngle": 2, "top": 1}


@pytest.mark.parametrize("content", ["{", "[]", "\xff", "[" * 100_000])
def test_a_damaged_sidecar_is_named(content, dataset):
    (dataset / "T1w.json").write_bytes(content.encode("latin1"))
    with pytest.raises(InputError, match="T1w.json: .*fix this"):
        read_metadata(dataset, PurePosixPath("sub-01/anat/sub-01_T1w.nii.gz"))


def test_a_folder_that_is_no_dataset_is_refused(dataset, tmp_path):
    for folder, message in ((tmp_path / "nowhere", "no such folder"), (dataset / "sub-01", "not a BIDS dataset")):
        with pytest.raises(InputError, match=message):
            read_description(folder)


def test_a_derived_name_has_the_entities_of_its_source():
    scan = PurePosixPath("sub-02/ses-a/anat/sub-02_ses-a_acq-x_run-1_T2w.nii")
    derived = derived_path(scan)
    assert derived == scan.with_name("sub-02_ses-a_acq-x_run-1_desc-denoised_T2w.nii.gz")
    entities, suffix = parse_name(derived.name)
    assert suffix == "T2w" and entities == parse_name(scan.name)[0] | {"desc": "denoised"}


def test_only_the_acquisition_is_kept_of_the_metadata():
    metadata = {"RepetitionTime": 2.0, "SkullStripped": True, "PatientName": "x", "InstitutionName": "x", "Note": "x"}
    noise = {"sigma": 3.0, "sigma_percent": 1.5}
    content = sidecar_content(PurePosixPath("sub-01/anat/x_T1w.nii"), metadata, noise=noise, digest="ab")
    assert content["RepetitionTime"] == 2.0 and content["SkullStripped"] is True
    assert content["Sources"] == ["bids:raw:sub-01/anat/x_T1w.nii"]
    assert (content["NoiseSigma"], content["NoiseSigmaPercent"], content["DenoisingModelSHA256"]) == (3.0, 1.5, "ab")
    assert "x" not in content.values()
    assert sidecar_content(PurePosixPath("a_T1w.nii"), {}, noise={}, digest=None)["SkullStripped"] is False


@pytest.mark.parametrize(
    ("place", "doi", "link", "sources"),
    [
        ("dataset/derivatives/mri-denoise", None, "../..", [{"URL": "../.."}]),
        ("dataset/derivatives/a/b", None, "../../..", [{"URL": "../../.."}]),
        ("elsewhere", None, "about:blank", None),
        ("elsewhere", "DOE JOHN", "about:blank", None),
        ("elsewhere", "https://doi.org/10.18112/ds1", "doi:10.18112/ds1", [{"DOI": "doi:10.18112/ds1"}]),
        ("elsewhere", "10.18112/ds1", "doi:10.18112/ds1", [{"DOI": "doi:10.18112/ds1"}]),
        ("dataset/derivatives/x", "doi:10.18112/ds1", "../..", [{"DOI": "doi:10.18112/ds1"}]),
    ],
)
def test_the_source_is_linked_without_the_name_of_a_folder(place, doi, link, sources, dataset, tmp_path):
    if doi:
        description = {"Name": "x", "BIDSVersion": "1.10.0", "DatasetDOI": doi}
        (dataset / "dataset_description.json").write_text(json.dumps(description))
    open_derivative(tmp_path / place, source=dataset)
    content = read_description(tmp_path / place)
    assert content["DatasetType"] == "derivative" and content["GeneratedBy"][0]["Name"] == "monai-unsup-denoise"
    assert content["DatasetLinks"] == {"raw": link} and content.get("SourceDatasets") == sources
    if link.startswith(".."):
        assert (tmp_path / place / link).samefile(dataset)


def test_a_derivative_of_ours_is_kept_another_is_refused(dataset, tmp_path):
    out = tmp_path / "out"
    open_derivative(out, source=dataset)
    by_hand = read_description(out) | {"Authors": ["A", "B"]}
    (out / "dataset_description.json").write_text(json.dumps(by_hand))
    open_derivative(out, source=dataset)
    assert read_description(out) == by_hand
    (out / "dataset_description.json").write_text(json.dumps({"Name": "x", "GeneratedBy": [{"Name": "fMRIPrep"}]}))
    with pytest.raises(InputError, match="is another dataset"):
        open_derivative(out, source=dataset)


@pytest.mark.parametrize("place", [".", "derivatives", "denoised", "sub-01/anat", "derivatives/../x"])
def test_outputs_do_not_mix_with_the_dataset(place, dataset):
    with pytest.raises(InputError, match="would mix with the dataset itself; give .*derivatives/NAME"):
        open_derivative(dataset / place, source=dataset)


def test_line_of_bidsignore_that_is_no_pattern_is_named(tmp_path):
    (tmp_path / ".bidsignore").write_text("extra/\n[z-a]\n")
    with pytest.raises(InputError, match=r"\.bidsignore: \[z-a\]: no valid pattern"):
        read_ignore(tmp_path)

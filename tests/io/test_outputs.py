"""Where the maps and the sidecar of an output lie."""

from pathlib import Path

import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.file_checks import check_ending
from monai_unsup_denoise.io.outputs import check_inside, map_path, plan_jobs, sidecar_path
from monai_unsup_denoise.io.volume_writer import check_output

NAMES = {
    "scan.nii.gz": "scan_sigma.nii.gz",
    "scan.nii": "scan_sigma.nii",
    "scan.nrrd": "scan_sigma.nrrd",
    "scan.mha": "scan_sigma.mha",
    "scan.mgz": "scan_sigma.mgz",
    "sub-01.run.2.nii.gz": "sub-01.run.2_sigma.nii.gz",
    "sub-01.run.2.nrrd": "sub-01.run.2_sigma.nrrd",
    "scan.nii.gz.nii": "scan.nii.gz_sigma.nii",
    "1.2.840.113619.nii.gz": "1.2.840.113619_sigma.nii.gz",
}


@pytest.mark.parametrize("name, expected", NAMES.items())
def test_a_map_is_named_for_its_output_and_has_its_format(name, expected):
    assert map_path(Path("a.b") / name, "sigma") == Path("a.b") / expected


@pytest.mark.parametrize("name", NAMES)
def test_output_maps_and_sidecar_are_four_files_of_one_folder(name):
    output = Path("out") / name
    beside = {output, sidecar_path(output), map_path(output, "sigma"), map_path(output, "residual")}
    assert len(beside) == 4
    assert {path.parent for path in beside} == {output.parent}


@pytest.mark.parametrize("name", ["../x", "a/../../x", "..", ".", "link/x", "/x"])
def test_a_place_outside_the_output_folder_is_refused(name, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="outside the output folder"):
        check_inside(tmp_path / "out" / name, tmp_path / "out")
    check_inside(tmp_path / "out" / "a" / "x", tmp_path / "out")


def test_no_output_is_planned_through_a_link_out_of_the_folder(tmp_path):
    for folder in ("in/sub", "out", "victim"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "in" / "sub" / "scan.nii").touch()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "victim")
    with pytest.raises(InputError, match="scan.nii: lies outside the output folder"):
        plan_jobs(tmp_path / "in", f"{tmp_path}/out/")


def test_linked_folders_keep_their_names_in_the_output(tmp_path):
    for scan in ("real/DOE/T1.nii", "data/a/T1.nii"):
        (tmp_path / scan).parent.mkdir(parents=True)
        (tmp_path / scan).touch()
    (tmp_path / "data" / "s1").symlink_to(tmp_path / "real" / "DOE")
    (tmp_path / "linked").symlink_to(tmp_path / "data")
    for source in ("data", "linked"):
        jobs, is_collection = plan_jobs(tmp_path / source, f"{tmp_path}/out")
        assert is_collection
        assert [job.output for job in jobs] == [tmp_path / "out" / "a" / "T1.nii", tmp_path / "out" / "s1" / "T1.nii"]


def test_outputs_behind_a_link_are_not_taken_for_scans(tmp_path):
    (tmp_path / "real" / "out").mkdir(parents=True)
    for name in ("T1.nii", "out/T1.nii"):
        (tmp_path / "real" / name).touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "s1").symlink_to(tmp_path / "real")
    (job,), _ = plan_jobs(tmp_path / "data", f"{tmp_path}/real/out")
    assert job.scan == tmp_path / "data" / "s1" / "T1.nii"


@pytest.mark.parametrize("name", ["a.img", "a.hdr", "a.img.gz", "A.IMG", "a.mnc", "a.dcm"])
def test_what_is_not_written_becomes_nifti(name, tmp_path):
    (tmp_path / name).touch()
    (job,), is_collection = plan_jobs(tmp_path / name, f"{tmp_path}/out/")
    assert not is_collection and job.output == tmp_path / "out" / f"{name[0]}.nii.gz"


@pytest.mark.parametrize("name", ["a.Nii", "a.Nii.gz", "a.nIi.GZ", "a.MHA", "a.Mhd", "a.Img"])
def test_ending_in_capitals_not_read_is_refused(name, tmp_path):
    for source, output in ((name, "b.nii"), ("b.nii", name)):
        with pytest.raises(InputError, match=rf"{name}: .* not read in these capitals; rename it to end in \.[a-z.]*$"):
            check_output(tmp_path / output, source=tmp_path / source)
    for known in ("a.NII", "a.NII.gz", "a.nii.GZ", "a.MGZ", "a.Nrrd", "a.IMG"):
        check_ending(tmp_path / known)

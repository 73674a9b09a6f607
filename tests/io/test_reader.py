"""A file that is damaged, or claims what it cannot hold, is refused in one line before its voxels are read."""

import gzip
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import itk
import nibabel
import numpy as np
import pytest
from monai.transforms import Compose, LoadImaged
from nibabel.analyze import AnalyzeImage
from nibabel.spm99analyze import Spm99AnalyzeImage

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.reader import read_scan

VOLUME = np.random.default_rng(0).integers(1, 1000, (20, 18, 6)).astype(np.int16)
PAIR = {"a": nibabel.Nifti1Pair, "b": AnalyzeImage, "s": Spm99AnalyzeImage}
READ = Compose([LoadImaged("image")])


def write(path: Path, values: np.ndarray = VOLUME, *, compressed: bool = False) -> Path:
    if path.name.lower().endswith((".nii", ".nii.gz")):
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    elif path.suffix.lower() in (".mgz", ".mgh"):
        nibabel.save(nibabel.MGHImage(values, np.eye(4)), path)
    elif ".img" in path.name.lower():
        nibabel.save(PAIR[path.name[0]](values, np.eye(4)), path)
    else:
        itk.imwrite(itk.image_from_array(np.ascontiguousarray(values.T)), str(path), compression=compressed)
    return path


def read(path: Path) -> np.ndarray:
    return read_scan(path, READ)["image"].numpy()


def reason(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_scan(path, READ)
    assert str(refused.value).startswith(f"{path}: ") and "\n" not in str(refused.value)
    return str(refused.value)


def with_header(path: Path, offset: int, value: np.ndarray) -> Path:
    """A NIfTI file with some bytes of its header replaced; gzipped by its name."""
    content = bytearray(write(path.with_name("whole.nii")).read_bytes())
    content[offset : offset + value.nbytes] = value.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ", "a.nrrd", "a.nhdr", "a.mha", "a.mhd", "a.mnc"])
@pytest.mark.parametrize("compressed", [False, True])
def test_sound_file_is_read_as_written(name, compressed, tmp_path):
    np.testing.assert_array_equal(read(write(tmp_path / name, compressed=compressed)), VOLUME)


@pytest.mark.parametrize("name", ["a.mgz", "A.MGZ", "a.mgh", "a.img", "b.img", "s.img", "a.img.gz", "A.IMG"])
def test_freesurfer_file_and_pair_are_read(name, tmp_path):
    if name == "A.IMG":
        write(tmp_path / "a.img").rename(tmp_path / name)
        (tmp_path / "a.hdr").rename(tmp_path / "A.HDR")
    else:
        write(tmp_path / name)
    image = read_scan(tmp_path / name, READ)["image"]
    np.testing.assert_array_equal(image, VOLUME)
    np.testing.assert_array_equal(image.affine, nibabel.load(tmp_path / name).affine)
    if "img" in name:
        np.testing.assert_array_equal(read(tmp_path / name.replace("img", "hdr")), VOLUME)


def test_half_a_pair_and_a_link_to_nothing_are_refused(tmp_path):
    (tmp_path / "link.nii.gz").symlink_to(".git/annex/objects/MD5E-s1--0")
    assert reason(tmp_path / "link.nii.gz").endswith("a link to nothing; fetch its content (datalad get)")
    for here, missing in (("a.img", "header a.hdr"), ("b.hdr", "file of voxels b.img")):
        write(tmp_path / f"{here[0]}.img")
        (tmp_path / missing.split()[-1]).unlink()
        assert reason(tmp_path / here).endswith(f"its {missing} is missing; put it into the same folder")
    write(tmp_path / "s.img").with_suffix(".mat").write_bytes(bytes(10**5))
    with pytest.raises(InputError, match="s.mat: too large"):
        read(tmp_path / "s.img")


@pytest.mark.parametrize("name", ["sub-01_UNIT1.nii.gz", "x_UNI_Images_5.nii", "sub-01_UNIT1.mgz"])
def test_ratio_image_is_refused_by_name_or_sidecar(name, tmp_path):
    assert "MP2RAGE ratio image: its noise is not Rician" in reason(write(tmp_path / name))
    path = write(tmp_path / "sub-01_T1w.nii.gz")
    for kinds, expected in ((["P"], "a phase, real or imaginary image"), (["UNI"], "MP2RAGE ratio image")):
        (tmp_path / "sub-01_T1w.json").write_text(json.dumps({"ImageType": ["ORIGINAL", "PRIMARY", *kinds]}))
        assert expected in reason(path)
    for sidecar in ('{"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"]}', '{"ImageType": 1}', "[" * 10**5, "{"):
        (tmp_path / "sub-01_T1w.json").write_text(sidecar)
        np.testing.assert_array_equal(read(path), VOLUME)
    assert "a phase, real or imaginary image" in reason(write(tmp_path / "sub-01_part-phase_bold.nii.gz"))
    for other in ("sub-01_inv-1_MP2RAGE", "UNIVERSITY_Images", "sub-UNIT1_T1w", "UNI", "a_UNIT1_mask"):
        np.testing.assert_array_equal(read(write(tmp_path / f"{other}.nii")), VOLUME)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nrrd", "a.mha"])
def test_flipped_bit_never_changes_a_voxel(name, tmp_path):
    path = write(tmp_path / name, compressed=True)
    content = path.read_bytes()
    start = content.index(b"\n\n") + 2 if name == "a.nrrd" else 0  # its header has no checksum
    start = content.index(b"LOCAL\n") + 6 if name == "a.mha" else start
    generator = np.random.default_rng(0)
    refused = 0
    for position in generator.integers(start, len(content), 60):
        path.write_bytes(content[:position] + bytes([content[position] ^ 8]) + content[position + 1 :])
        try:
            np.testing.assert_array_equal(read(path), VOLUME)
        except InputError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("name", ["a.nii.gz", "a.mgz", "a.nrrd", "a.mha"])
@pytest.mark.parametrize("missing", [1, 4, 8, 200])
def test_cut_compressed_voxels_are_refused(name, missing, tmp_path):
    path = write(tmp_path / name, compressed=True)
    path.write_bytes(path.read_bytes()[:-missing])
    assert "damaged, incomplete" in reason(path)


def test_gzip_members_and_trailing_bytes_are_read(tmp_path):
    content = write(tmp_path / "a.nii").read_bytes()
    two = gzip.compress(content[:1000]) + gzip.compress(content[1000:])
    for trailing in (b"", b"\0" * 512, b"x", b"\x1f"):
        (tmp_path / "a.nii.gz").write_bytes(two + trailing)
        np.testing.assert_array_equal(read(tmp_path / "a.nii.gz"), VOLUME)


SIZED = ["a.nii", "a.nii.gz", "a.img", "b.img", "a.mgh", "a.mgz", "a.nrrd", "a.nhdr", "a.mha", "a.mhd"]


@pytest.mark.parametrize("name", SIZED)
def test_claimed_size_is_checked_before_memory_is_taken(name, tmp_path):
    claimed = (1700, 1700, 1700)  # 9.8 GB of int16
    path = tmp_path / name
    offset = 352 if ".nii" in name else 284 if ".mg" in name else 0
    if ".nii" in name:
        with_header(path, 42, np.array(claimed, "<i2"))
    elif ".img" in name:
        header = write(path).with_suffix(".hdr")
        header.write_bytes(header.read_bytes()[:42] + np.array(claimed, "<i2").tobytes() + header.read_bytes()[48:])
    elif ".mg" in name:
        content = write(tmp_path / "whole.mgh").read_bytes()
        content = content[:4] + np.array(claimed, ">i4").tobytes() + content[16:]
        path.write_bytes(gzip.compress(content) if name == "a.mgz" else content)
    else:
        header = write(path).read_bytes()
        path.write_bytes(header.replace(b"20 18 6", b"%d %d %d" % claimed, 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert f"claims {2 * 1700**3 + offset} bytes" in reason(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # in kB


def test_gzip_bomb_is_refused(tmp_path):
    path = with_header(tmp_path / "a.nii.gz", 42, np.array([300, 600, 300], "<i2"))
    header = gzip.decompress(path.read_bytes())[:352]
    path.write_bytes(gzip.compress(header + bytes(2 * 300 * 600 * 300), 9))  # 108 MB in 105 kB
    assert "claims 108000352 bytes of voxels, in a file of" in reason(path)
    path.write_bytes(gzip.compress(write(tmp_path / "b.nii").read_bytes() + bytes(2 * 300 * 600 * 300), 9))
    assert "its voxels take more than" in reason(path)


ELSEWHERE = ["/etc/passwd", "../up.raw", "a/../../up.raw", "-", "~/x.raw", r"..\up.raw", r"C:\up.raw", "LIST"]


@pytest.mark.parametrize("named", ELSEWHERE)
@pytest.mark.parametrize("name", ["a.nhdr", "a.nrrd", "a.mhd", "a.mha"])
def test_header_cannot_name_a_file_elsewhere(name, named, tmp_path):
    (tmp_path / "folder").mkdir()
    path = write(tmp_path / "folder" / f"a.{'nhdr' if name[2] == 'n' else 'mhd'}").rename(tmp_path / "folder" / name)
    (tmp_path / "up.raw").write_bytes(VOLUME.tobytes())
    named += "\n../up.raw" if named == "LIST" else ""
    path.write_text(re.sub(r"a\.raw", lambda _: named, path.read_text()))
    assert "names a file outside its own folder" in reason(path)


def test_later_name_of_a_file_elsewhere_is_refused(tmp_path):
    path = write(tmp_path / "a.mhd")
    path.write_text("elementdatafile = LOCAL\n" + path.read_text().replace("a.raw", "/etc/passwd"))
    assert "names a file outside" in reason(path)
    path = write(tmp_path / "a.nhdr")
    path.write_text(path.read_text().replace("data file: a.raw", "data file: /etc/passwd\ndata file: a.raw"))
    assert "names a file outside" in reason(path)


def test_slices_in_files_of_their_own_are_read(tmp_path):
    path = write(tmp_path / "a.mhd")
    for number in range(6):
        (tmp_path / f"slice_{number}.raw").write_bytes(VOLUME[..., number].T.tobytes())
    (tmp_path / "a.raw").unlink()
    header = path.read_text()
    listed = "\n".join(["LIST", *(f"slice_{number}.raw" for number in range(6))])
    for named in (listed, "slice_%d.raw 0 5 1"):
        path.write_text(header.replace("a.raw", named))
        np.testing.assert_array_equal(read(path), VOLUME)


def test_pipe_and_device_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.nii")
    (tmp_path / "zero.nii.gz").symlink_to("/dev/zero")
    os.mkfifo((path := write(tmp_path / "a.mhd")).with_name("pipe.raw"))
    path.write_text(path.read_text().replace("a.raw", "pipe.raw"))
    assert all("a pipe or device, not a file" in reason(tmp_path / name) for name in ("pipe.nii", "zero.nii.gz"))
    with pytest.raises(InputError, match="pipe.raw: a pipe or device, not a file"):
        read_scan(path, READ)


def test_unusable_orientation_is_refused(tmp_path):
    code = np.array([0, 1], "<i2")
    whole = with_header(tmp_path / "a.nii", 252, code)
    np.testing.assert_array_equal(read(whole), VOLUME)
    for offset in (280, 292, 304, 324):  # srow_x, srow_y, srow_z
        path = with_header(tmp_path / "a.nii", offset, np.array([np.nan], "<f4"))
        assert "its orientation (sform, qform or voxel size) holds NaN or infinity" in reason(path)
    content = bytearray(with_header(tmp_path / "a.nii", 252, np.array([1, 0], "<i2")).read_bytes())
    content[256:268] = np.array([1.2, 1.2, 0.9], "<f4").tobytes()
    (tmp_path / "q.nii").write_bytes(content)
    assert "its qform cannot be decoded and it has no sform" in reason(tmp_path / "q.nii")


@pytest.mark.parametrize("entry_point", ["command line", "bundle", "python"])
def test_entry_points_refuse_a_damaged_file_alike(entry_point, tmp_path, repository):
    (tmp_path / "in").mkdir()
    path = write(tmp_path / "in" / "a.nii.gz", VOLUME)
    path.write_bytes(path.read_bytes()[:-8] + bytes(8))  # CRC and size
    bundle = repository / "bundles" / "brain_mri_denoise"
    arguments = {
        "command line": ["-c", "from monai_unsup_denoise.cli import main; main()", "denoise", path, tmp_path / "out/"],
        "bundle": ["-m", "monai.bundle", "run", "--config_file", bundle / "configs" / "inference.json"]
        + ["--bundle_root", bundle, "--dataset_dir", tmp_path / "in", "--output_dir", tmp_path / "out"],
        "python": ["-c", f"from monai_unsup_denoise.inference import Denoiser as D; D.from_bundle().denoise('{path}')"],
    }
    done = subprocess.run(
        [sys.executable, *map(str, arguments[entry_point])], capture_output=True, text=True, cwd=repository, check=False
    )
    assert done.returncode == 1
    assert (
        f"{path}: cannot be read as a volume (Error -3 while decompressing data: incorrect data check)" in done.stderr
    )
    assert not (tmp_path / "out").exists()

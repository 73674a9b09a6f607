"""Repeated scans of known truth: their noise, the truth that is made of them, and the gain."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from monai_unsup_denoise.benchmark.repeat_files import find_repeats, load_repeats
from monai_unsup_denoise.benchmark.repeats import RepeatCase, make_repeat_case
from monai_unsup_denoise.errors import InputError

SHAPE = (64, 60, 16)
SIGMA = 40.0  # of a bright object of 1000


def clean_object() -> np.ndarray:
    """Two contrasts in a ball, in air."""
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")
    ball = x**2 + y**2 + (z / 2) ** 2 < 0.8
    return ball * (700 + 300 * (np.sin(8 * x) * np.cos(9 * y) > 0.2))


def complex_noise(repeats: int, width: float = 0.0) -> np.ndarray:
    """Two channels of unit variance ``(N, X, Y, Z)``, correlated within slices if ``width``, in voxels, is positive."""
    generator = np.random.default_rng(7)
    white = generator.standard_normal((2, repeats, *SHAPE))
    smooth = gaussian_filter(white, (0, 0, width, width, 0), mode="wrap")
    return (smooth[0] + 1j * smooth[1]) / smooth.std()


def scan(clean: np.ndarray, repeats: int = 4, sigma: float = SIGMA, width: float = 0.0) -> np.ndarray:
    return np.abs(clean + sigma * complex_noise(repeats, width)).astype(np.float32)


def percent(case: RepeatCase, series: np.ndarray) -> float:
    """Its sigma in the units of the series."""
    return case.sigma * float(np.percentile(series, 99.9))


@pytest.mark.parametrize("repeats", [2, 4])
@pytest.mark.parametrize("width", [0.0, 0.8])
def test_sigma_and_gain_are_those_of_the_clean_scan(repeats, width):
    clean = clean_object()
    series = scan(clean, repeats, width=width)
    case = make_repeat_case("ball", series)
    scale = np.percentile(series, 99.9)
    assert percent(case, series) == pytest.approx(SIGMA, rel=0.03 if width else 0.02)
    denoised = gaussian_filter(case.noisy, 0.6)
    before, after = (np.mean(((image - clean / scale)[case.tissue]) ** 2) for image in (case.noisy, denoised))
    assert case.measure(denoised)["gain"] == pytest.approx(10 * np.log10(before / after), abs=0.1)
    assert case.measure(case.noisy, case.sigma)["gain"] == 0
    assert case.measure(case.noisy, 1.1 * case.sigma)["sigma_ratio"] == pytest.approx(1.1)


@pytest.mark.parametrize("repeats", [2, 4])
def test_drift_between_repeats_is_no_noise(repeats):
    x = np.linspace(-1, 1, SHAPE[0])[:, None, None]
    drift = np.stack([1 + 0.03 * number * (1 + x) for number in range(repeats)]) * np.ones((1, *SHAPE))
    series = np.abs(clean_object() * drift + 10 * complex_noise(repeats)).astype(np.float32)
    case = make_repeat_case("ball", series)
    assert percent(case, series) == pytest.approx(10, rel=0.05), "the drift alone is up to 60"
    assert case.measure(case.noisy)["rmse_noisy"] == pytest.approx(1, abs=0.1)


def test_volumes_of_another_contrast_are_left_out():
    other = clean_object()[::-1] * 0.7
    series = np.concatenate([scan(other, 2), scan(clean_object(), 3)])
    case = make_repeat_case("ball", series)
    assert (case.seed, case.repeats) == (3, 3)
    assert percent(case, series) == pytest.approx(SIGMA, rel=0.03)


def test_rician_bias_counts_as_an_error():
    clean = clean_object() * 0.2 + (clean_object() > 0) * 100  # 6 to 7.5 sigma
    noise_free = clean / np.percentile(series := scan(clean), 99.9)
    case = make_repeat_case("ball", series)
    assert case.measure(noise_free.astype(np.float32))["bias"] == pytest.approx(0, abs=0.02)
    assert case.measure(case.noisy)["bias"] == pytest.approx(1 / (2 * 6.5), abs=0.03)


def test_spectrum_is_that_of_the_noise():
    width = 0.8
    case = make_repeat_case("ball", scan(clean_object(), width=width))
    waves = [2 * np.pi * np.fft.fftfreq(n) for n in SHAPE[:2]]
    power = np.exp(-(width**2) * (waves[0][:, None] ** 2 + waves[1] ** 2))[..., None] * np.ones(SHAPE)
    assert case.spectrum.shape == SHAPE and case.spectrum.mean() == pytest.approx(1)
    assert np.corrcoef(case.spectrum.ravel(), power.ravel())[0, 1] > 0.97
    found = case.measure(case.noisy)
    lag1 = np.exp(-1 / (4 * width**2))
    assert (found["lag1_x"], found["lag1_y"]) == pytest.approx((lag1, lag1), abs=0.05)
    assert found["lag1_z"] == pytest.approx(0, abs=0.05)


def test_repeats_of_a_single_slice_have_a_score():
    case = make_repeat_case("slice", scan(clean_object())[..., 8:9])
    assert np.isnan(case.measure(case.noisy)["lag1_z"]) and case.spectrum.shape == (*SHAPE[:2], 1)


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        (np.stack([clean_object()] * 3), "its repeats are equal"),
        (scan(np.zeros(SHAPE), 2), "fewer than 100 voxels above 3 sigma"),
    ],
)
def test_repeats_without_noise_or_object_are_refused(series, reason):
    with pytest.raises(InputError, match=f"ball: {reason}"):
        make_repeat_case("ball", series)


def save(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    return path


@pytest.fixture
def series() -> np.ndarray:
    return np.random.default_rng(0).uniform(1, 9, (5, 6, 7, 3)).astype(np.float32)


def test_folder_names_its_4d_file_and_its_3d_scans(tmp_path, series):
    save(tmp_path / "in" / "head one" / "series.nii.gz", series)
    save(tmp_path / "in" / "head one" / "mean.nii.gz", series[..., 0])  # beside a 4-D file, not one of the repeats
    for number in range(3):
        save(tmp_path / "in" / "ball" / f"{number}.nii", series[..., number])
    for name in ("a", "b"):
        save(tmp_path / "in" / "two" / f"{name}.nii", series)
    sources = find_repeats([str(tmp_path / "in")])
    assert [source.name for source in sources] == ["ball", "head_one", "a", "b"]
    for source in sources:
        np.testing.assert_array_equal(load_repeats(source), np.moveaxis(series, -1, 0))
    assert [source.name for source in find_repeats([f"mine={tmp_path}/in/ball"])] == ["mine"]
    assert [source.name for source in find_repeats([f"{tmp_path}/in/two/a.nii"])] == ["a"]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("nowhere", "nowhere: no such file or folder"),
        ("{folder}/3d.nii", "3d.nii: one volume only; give a 4-D file, or a folder"),
        ("{folder}/one.nii", "one.nii: one volume only; give a 4-D file, or a folder"),
        ("{folder}/alone", "alone: one volume only; give a 4-D file, or a folder"),
        ("a/b={folder}", "a name has letters, digits"),
        ("x={folder}/many", "2 repeated scans for one name"),
        ("{folder}/same", "would both be named x; give NAME=PATH"),
        ("{folder}/shapes", r"b.nii: 4 x 6 x 7 voxels, but a.nii has 5 x 6 x 7; give repeats of one scan"),
        ("{folder}/nan.nii", r"nan.nii, volume 1 \(counted from 0\) .*: 1 voxels are NaN or infinite|voxels are NaN"),
    ],
)
def test_unusual_input_is_one_line_that_names_it(word, reason, tmp_path, series):
    save(tmp_path / "3d.nii", series[..., 0])
    save(tmp_path / "one.nii", series[..., :1])
    save(tmp_path / "alone" / "a.nii", series[..., 0])
    for name in ("many/a.nii", "many/b.nii", "same/1/x/s.nii", "same/2/x/s.nii"):
        save(tmp_path / name, series)
    save(tmp_path / "shapes" / "a.nii", series[..., 0])
    save(tmp_path / "shapes" / "b.nii", series[1:, ..., 0])
    series[2, 3, 3, 1] = np.nan
    save(tmp_path / "nan.nii", series)
    with pytest.raises(InputError, match=reason) as caught:
        for source in find_repeats([word.format(folder=tmp_path)]):
            load_repeats(source)
    assert "\n" not in str(caught.value)


def test_real_repeats_have_their_published_noise(data_dir):
    """Against maps of sigma that come with the scans, of differences of repeats too."""
    scans = {source.name: source for source in find_repeats([str(data_dir / "repeats")])}
    for name in ("phantom_siemens_epi_p2_sms5", "lowfield_head_flair_cage_A_native"):
        series = load_repeats(scans[name])
        case = make_repeat_case(name, series)
        published = nibabel.load(data_dir / "repeats" / name / "sigma.nii.gz").get_fdata()
        assert percent(case, series) == pytest.approx(np.median(published[case.tissue]), rel=0.08)

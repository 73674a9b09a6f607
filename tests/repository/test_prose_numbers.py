"""Numbers in the prose of README, docs and model card are those of committed files, as those in tables are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
from monai.bundle import ConfigParser

from tests.repository.trust_claims import claims as trust_claims

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "bundles" / "brain_mri_denoise"
CARD = "bundles/brain_mri_denoise/docs/README.md"
RESULTS = "docs/results.md"
#: Every figure with such a unit in these pages must be one that is computed here.
UNITS = r"(?:dB|sigma|hours|minutes|s|million)"
TRACED_PAGES = ("README.md", RESULTS, CARD, "docs/training.md", "docs/benchmarking.md", "docs/speed.md")
BANDS = [f"bias_{band}" for band in ("00_02", "02_10", "10_20", "20_35", "35_60", "60_100")]


def scores(column: str, path: str = "docs/benchmark/results.csv", **where: object) -> pd.DataFrame:
    """A column of a file of results: one row for each volume (``t1w``, ``pdw``) and level, one column per method."""
    rows = pd.read_csv(ROOT / path, dtype={"version": str})
    for name, value in where.items():
        rows = rows[rows[name] == value]
    rows = rows.assign(volume=rows["volume"].str.removeprefix("brainweb_"))
    return rows.pivot_table(index=["volume", "level"], columns="method", values=column)


PSNR, FOREGROUND, SSIM = scores("psnr"), scores("psnr_fg"), scores("ssim_3d")
SECONDS, SIGMA_ERROR = scores("seconds"), scores("sigma_error")
BIAS = {band: scores(band) for band in BANDS}
KINDS = pd.read_csv(ROOT / "docs/benchmark/noise_kinds.csv").pivot_table(
    index=["volume", "kind", "level"], columns="method", values="psnr"
)
EARLIER = "docs/earlier_versions.csv"
REPEATS, SIGMA_RATIO = (scores(column, "docs/benchmark/repeats.csv") for column in ("gain", "sigma_ratio"))
VERSION_3, VERSION_4 = (scores("psnr", EARLIER, version=version) for version in ("0.3.1", "0.4.0"))
PHASES = pd.read_csv(ROOT / "docs" / "durations.csv").set_index("what")
ABLATION = pd.read_csv(ROOT / "docs/benchmark/ablation.csv").groupby(["variant", "level"])["psnr"].mean()


def span(values: pd.Series, digits: int = 1) -> str:
    """``least to most``, rounded."""
    return f"{values.min():.{digits}f} to {values.max():.{digits}f}"


def at_levels(values: pd.Series, volume: str) -> str:
    """The signed values at 5, 15 and 30 %."""
    return " / ".join(f"{values[volume, level]:+.2f}" for level in (5, 15, 30))


def largest_bias(method: str, volumes: tuple[str, ...], levels: tuple[int, ...]) -> float:
    """Largest absolute bias of an intensity band, in units of sigma."""
    return max(abs(BIAS[band][method][volume, level]) for band in BANDS for volume in volumes for level in levels)


def parameters() -> float:
    """Size of the bundled network, in millions."""
    parser = ConfigParser()
    parser.read_config(str(BUNDLE / "configs" / "inference.json"))
    return sum(values.numel() for values in parser.get_parsed_content("network_def").parameters()) / 1e6


def weights_of(method: str) -> float:
    """Numbers in the file of weights of a method, in millions."""
    state = torch.load(BUNDLE / "models" / f"model_{method}.pt", weights_only=True)
    return sum(values.numel() for values in state.values()) / 1e6


def claims() -> Iterator[tuple[str, str]]:
    """Page and the words that it must contain."""
    bm4d, bm4d_fg = PSNR.ours - PSNR.bm4d_vst, FOREGROUND.ours - FOREGROUND.bm4d_vst
    refined, pairs = PSNR.ours - PSNR.ours_no_refinement, PSNR.paired - PSNR.ours
    denoiser = PHASES[PHASES.index.str.startswith("weights")]
    hours = f"{denoiser.minutes.sum() / 60:.1f} hours"
    steps = f"{denoiser.steps.sum():,} steps"
    for page in ("README.md", RESULTS):
        yield page, f"ours is {span(bm4d['t1w'])} dB better on T1w and {span(bm4d['pdw'])} dB better on PDw"
    yield RESULTS, f"ahead by {span(bm4d_fg['t1w'])} dB on T1w and by {span(bm4d_fg['pdw'])} dB on PDw"
    yield RESULTS, f"is worth {span(refined['t1w'])} dB on T1w and {span(refined['pdw'])} dB on PDw"
    yield "docs/denoise.md", f"Faster, {span(refined)} dB lower PSNR"
    yield "docs/exports.md", f"{span(refined)} dB"
    yield RESULTS, f"within {100 * SIGMA_ERROR.ours.abs().max():.1f} % of the truth"
    yield RESULTS, f"at most {largest_bias('ours', ('t1w', 'pdw'), (15,)):.2f} sigma in any intensity band"
    yield RESULTS, f"found to be {span(SIGMA_RATIO.ours)} times the true one"
    never = "no" if REPEATS.ours.min() >= 0 else "some"
    for page in ("README.md", RESULTS):
        yield page, f"fell by {REPEATS.ours.mean():.1f} dB on average, and rose on {never} scan"
        yield page, f"gained {REPEATS.bm4d_vst.mean():.1f} dB"
    bm4d = REPEATS[["bm4d_vst", "bm4d_spectrum"]].mean()
    more = "more" if REPEATS.ours.mean() > bm4d.max() else "less"
    yield CARD, f"the model gains {more} on average than BM4D that is given sigma, and than BM4D"
    higher = KINDS.ours > KINDS[["bm4d_vst", "bm4d_spectrum"]].max(axis=1)
    yield "docs/benchmarking.md", f"in {'all' if higher.all() else 'some'} {len(higher)} rows of [kinds of noise]"
    last = f"last {PHASES.steps['weights_4_longer']:,} of {steps}"
    yield RESULTS, f"{last}) is {pairs['t1w'].mean():.2f} dB better on T1w"
    yield RESULTS, f"and {pairs['pdw'].mean():.2f} dB on PDw"
    yield "README.md", f"{parameters():.1f} million parameters"
    yield "README.md", f"about {hours} on two CPU cores"
    yield "docs/training.md", f"took {hours} in all on two CPU cores"

    yield CARD, f"{parameters():.2f} million parameters"
    yield CARD, f"{steps} and {hours} in all"
    yield CARD, f"took {hours} on two CPU cores"
    for phase in PHASES.index:
        yield CARD, f"{PHASES.minutes[phase]:.1f} minutes"
    voxels = {"T1w": 180 * 216 * 40, "PDw": 181 * 217 * 36}  # of the measured slices
    yield CARD, f"({voxels['T1w'] / 1e6:.1f} million voxels, T1w, and {voxels['PDw'] / 1e6:.1f} million, PDw)"
    yield CARD, f"took {span(SECONDS.ours, 0)} s on one thread"
    yield CARD, f"and {span(SECONDS.ours_no_refinement, 0)} s without the refinement stage"
    sizes = [f"{weights_of(name):.2f}" for name in ("paper", "cyclegan", "paper_plus", "paper_small")]
    yield CARD, f"have {', '.join(sizes[:3])} and {sizes[3]} million parameters"
    yield CARD, f"which is {span(PSNR.cyclegan - PSNR.paper)} dB better than the method as printed"
    change = PSNR.paper_plus - PSNR.paper
    helps = f"which helps in {int((change > 0).sum())} of {len(change)} cells"
    yield CARD, f"terms change its PSNR by {change.min():+.1f} to {change.max():+.1f} dB, {helps}"
    assert (change["pdw"] > 0).all() and change.min() > -0.12
    yield CARD, f"the small network is {span(PSNR.paper - PSNR.paper_small)} dB worse"
    at_30 = ABLATION.xs(30, level="level")
    stays = f"noise stays in ({at_30['without adversarial (3) (5)']:.1f} dB in place of {at_30['all terms']:.1f})"
    yield CARD, f"{stays}, as it does with a strong cycle ({at_30['cycle weighted 10']:.1f} dB)"
    cost = ABLATION["all terms"] - ABLATION["G_L may change the image"]
    yield CARD, f"a `G_L` that may change the image costs {span(cost)} dB"
    for term in ("KL (2)", "perceptual (10)"):
        assert (ABLATION["all terms"] - ABLATION[f"without {term}"]).abs().max() < 0.1
    assert (ABLATION["all terms"] - ABLATION["without cycle (7)"]).min() > 7

    page = "docs/benchmarking.md"
    printed = pd.read_csv(ROOT / "monai_unsup_denoise/benchmark/report/published.csv")
    printed = printed[printed["method"] == "paper"].set_index(["volume", "level"])
    yield page, f"worth {PSNR.adf_unbiased['t1w', 15] - PSNR.adf['t1w', 15]:.1f} dB"
    yield page, f"is {span(PSNR.paper - printed['psnr'])} dB better than its publication in the {len(printed)} rows"
    assert (SSIM.paper - printed["ssim"]).min() > 0

    page = "docs/quality.md"
    for volume, of in (("t1w", "on BrainWeb T1w"), ("pdw", "on PDw")):
        for gain in (VERSION_4.ours - VERSION_3.ours, PSNR.ours_no_refinement - VERSION_4.ours, refined):
            yield page, f"{at_levels(gain, volume)} dB"
        ensemble = (VERSION_4.ours_x8 - VERSION_4.ours)[volume]
        yield page, f"{ensemble.min():+.2f} to {ensemble.max():+.2f} dB {of}"
    for gain in (VERSION_3.paired - VERSION_3.ours, pairs):
        yield page, f"{gain['t1w'].mean():+.2f} dB (T1w) and {gain['pdw'].mean():+.2f} dB (PDw) on BrainWeb on average"
    yield page, f"{pairs.min():+.2f} to {pairs.max():+.2f} dB at single levels"
    yield page, f"bias** of {largest_bias('ours', ('t1w',), (15,)):.2f} sigma"
    yield from claims_on_fine_tuning(page)
    yield from claims_on_design(page)


def claims_on_design(page: str) -> Iterator[tuple[str, str]]:
    """Gains over the reference training, and seconds in multiples of it; the first row of `quality.csv`."""
    rows = pd.read_csv(ROOT / "docs" / "quality.csv", index_col=0)
    levels = ["psnr_05", "psnr_15", "psnr_30"]
    gain = rows[["psnr", *levels]] - rows[["psnr", *levels]].iloc[0]
    seed, adversarial = gain.loc["another seed"], gain.loc["adversarial losses"]
    two, three = (gain.loc[f"{count} blocks at the two finer scales", levels[:2]] for count in ("two", "three"))
    assert abs(seed["psnr"]) < 0.01
    yield page, f"by less than 0.01 dB, and a single level by up to {seed.abs().max():.2f} dB"
    yield page, f"than chance ({adversarial['psnr']:+.2f} dB)"
    yield page, f"is worth {span(two)} dB at 5 and 15 %"
    yield page, f"A third adds {(three - two).max():.1f} dB at most"
    times = rows["seconds"] / rows["seconds"].iloc[0]
    yield page, f"network took {times['3-D network instead of 2-D over five slices']:.1f} times the seconds"
    yield page, f"16 features {times['16 features at full resolution instead of 32']:.1f} times"
    yield page, f"two blocks at the two finer scales {times['two blocks at the two finer scales']:.1f} times"
    yield page, f"48 features {times['wider network, 48 to 192 features']:.1f} times"


def claims_on_fine_tuning(page: str) -> Iterator[tuple[str, str]]:
    """The gains of 100 more steps, in the order of the rows of `transfer.csv`; the last row starts from nothing."""
    rows = pd.read_csv(ROOT / "docs" / "transfer.csv").set_index("training")
    same, denoised, recorrupted, clean, scratch = (rows - rows.iloc[0]).iloc[1:].to_numpy()
    yield page, f"100 steps gain {signed(denoised)} dB at 5 / 15 / 30 %"
    yield page, f"of other subjects gain {signed(clean)} dB"
    yield page, f"lose {-same[0]:.2f}, {-same[1]:.2f} and {-same[2]:.1f} dB"
    yield page, f"loses {-recorrupted[1]:.1f} dB at 15 % and {-recorrupted[2]:.1f} dB at 30 %"
    yield page, f"worth {(clean - scratch).min():.0f} to {(clean - scratch).max():.0f} dB after 100 steps"
    yield "docs/training.md", f"lost up to {-recorrupted.min():.1f} dB"


def signed(values: Iterable[float]) -> str:
    """Values to a tenth with their signs, zero without."""
    return " / ".join(re.sub(r"[+-]0\.0", "0.0", f"{value:+.1f}") for value in values)


_NAMES = (("t1w", "T1w"), ("pdw", "PDw"))
CLAIMS = [*claims(), *(claim for claim in trust_claims() if claim[0] == CARD)]


def prose(page: str) -> str:
    """A page without code blocks, tables and headings, every run of white space one space."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return " ".join(" ".join(line for line in text.splitlines() if not line.startswith(("|", "#"))).split())


def whole(page: str) -> str:
    """A page, every run of white space one space."""
    return " ".join((ROOT / page).read_text(encoding="utf-8").split())


@pytest.mark.parametrize(("page", "words"), CLAIMS)
def test_page_says_what_was_measured(page: str, words: str) -> None:
    assert words in whole(page), f"{page}: expected the words {words!r}"


def untraced(page: str, text: str) -> list[str]:
    """Figures with a unit in a text that are in no claim about its page."""
    for words in sorted({words for of, words in CLAIMS if of == page}, key=len, reverse=True):
        text = text.replace(words, "")
    return re.findall(rf"\d[\d.,]*(?:\s+to\s+\d[\d.,]*)?\s+{UNITS}\b", text)


@pytest.mark.parametrize("page", TRACED_PAGES)
def test_page_has_no_figure_without_a_source(page: str) -> None:
    assert untraced(page, prose(page)) == []


def test_figure_without_a_source_is_seen() -> None:
    assert untraced("README.md", "It gains 0.7 dB, or 1 to 2 dB, in 5 minutes.") == ["0.7 dB", "1 to 2 dB", "5 minutes"]


def pages() -> list[str]:
    """The Markdown pages written by hand."""
    own = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "apps").glob("*/*.md"), ROOT / CARD]
    return sorted(str(path.relative_to(ROOT)) for path in own)


@pytest.mark.parametrize("page", pages())
def test_page_wraps_its_prose_at_120_characters(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    long = [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "!["))]
    assert long == []


@pytest.mark.parametrize("page", pages())
def test_page_links_to_files_that_exist(page: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", (ROOT / page).read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http://", "https://", "mailto:"))]
    assert [link for link in local if not ((ROOT / page).parent / link).exists()] == []


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 1200

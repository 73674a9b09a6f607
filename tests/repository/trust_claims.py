"""What docs/trust.md and the model card say of `trust.csv`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from monai_unsup_denoise.benchmark.trust.page import misses, trust_page

ROOT = Path(__file__).parents[2]
PAGE, CARD = "docs/trust.md", "bundles/brain_mri_denoise/docs/README.md"
TRUST = pd.read_csv(ROOT / "docs/trust/trust.csv")
BOOTSTRAP = pd.read_csv(ROOT / "docs/uncertainty_bootstrap.csv")
STRENGTH = pd.read_csv(ROOT / "docs/strength.csv")
VALUES = TRUST.set_index(["method", "check", "group"])["value"]


def percent(check: str, *groups: str) -> list[str]:
    """Of our model, without decimals."""
    return [f"{100 * VALUES['ours', check, group]:.0f}" for group in groups]


def both(check: str, group: str) -> tuple[float, float]:
    """Before and after denoising."""
    return VALUES["noisy", check, group], VALUES["ours", check, group]


def claims() -> Iterator[tuple[str, str]]:
    """Page and the words that it must contain."""
    kept = {mm: percent("lesion contrast kept", f"{mm} mm, CNR 3", f"{mm} mm, CNR 8") for mm in (2, 4, 8)}
    yield (
        PAGE,
        f"keeps {kept[4][0]} % of its contrast if it is 3 times as bright as the noise, {kept[4][1]} % at 8 times",
    )
    yield PAGE, f"one of 2 mm {kept[2][0]} and {kept[2][1]} %; one of 8 mm {kept[8][0]} and {kept[8][1]} %"
    yield (
        CARD,
        f"a lesion of 4 mm keeps {kept[4][0]} % of its contrast if that is 3 sigma, and {kept[4][1]} % at 8 sigma",
    )
    yield CARD, f"of 2 mm, {kept[2][0]} and {kept[2][1]} %"
    before, after = both("lesion detection, AUC", "4 mm, CNR 3")
    yield PAGE, f"4 mm and 3 sigma with an AUC of {before:.2f} before and {after:.2f} after"
    yield (
        CARD,
        f"detects those of 3 sigma less well after denoising than before (AUC {after:.2f} and {before:.2f} at 4 mm)",
    )
    before, after = both("lesion detection, AUC", "2 mm, CNR 3")
    yield PAGE, f"those of 2 mm with {before:.2f} and {after:.2f}"
    before, after = both("one spot or two, AUC", "3 mm")
    yield PAGE, f"3 mm apart, from one with {before:.2f} before and {after:.2f} after"
    group = "where 90 % of 4 mm, CNR 3 are found"
    before, after = both("false alarms", group)
    yield PAGE, f"rise from {100 * before:.1f} to {100 * after:.1f} % of the places"
    yield PAGE, f"(non-local means: {100 * VALUES['nlmeans', 'false alarms', group]:.1f} %)"
    lost = [-100 * VALUES["ours", "contrast", f"{name}, grey and white matter"] for name in ("T1w", "PDw")]
    yield PAGE, f"{lost[0]:.1f} % lost in T1w scans where 2 % was allowed, and {lost[1]:.0f} % in a PDw head"
    white, grey, csf = zip(*(volumes(method) for method in ("ours", "noisy", "nlmeans")), strict=True)
    yield PAGE, f"{white[0]} % off for white matter, {grey[0]} % for grey matter, {csf[0]} % for CSF"
    yield PAGE, f"Before denoising it is {white[1]}, {grey[1]} and {csf[1]} %, after non-local means {white[2]}, "
    yield PAGE, f"{grey[2]} and {csf[2]} %"
    (csf_noisy, csf_ours), (fat_noisy, fat_ours) = both("mean", "T1w, CSF"), both("mean", "PDw, fat")
    yield PAGE, f"are up to {100 * csf_ours:.1f} % too high, and those of fat in PDw scans {100 * fat_ours:.1f} %"
    yield PAGE, f"The noisy scans have {100 * csf_noisy:.1f} and {100 * fat_noisy:.1f} %"
    before, after = both("artefact", "ringing")
    yield PAGE, f"{100 * after:.0f} % of its energy is left, of {100 * before:.0f} % in the noisy scan"
    levels = TRUST[TRUST["level"].isna() & (TRUST["method"] == "ours")].set_index(["check", "group"])["value"]
    ratio = levels["NRMSE after / before"]
    yield PAGE, f"(to {ratio.min():.2f} to {ratio.max():.2f} of what it was)"
    yield PAGE, f"comes back at {levels['PSNR without noise'].min():.0f} dB or better"
    before, after = both("true frequency", "mean of patches")
    yield PAGE, f"up to {after:.2f} of the highest frequency, before up to {before:.2f}"
    others = TRUST[TRUST["level"].isna() & (TRUST["method"] == "nlmeans")].set_index("group")["value"]
    worst = max(others[f"{contrast}, 0.5 %"] for contrast in ("T1w", "PDw", "T2w"))
    yield PAGE, f"at 0.5 % up to {worst:.1f} times"
    kept = [f"{100 * VALUES['nlmeans', 'lesion contrast kept', f'4 mm, CNR {ratio}']:.0f}" for ratio in (3, 8)]
    yield PAGE, f"non-local means keeps {kept[0]} and {kept[1]} % at 4 mm"
    page, missed = trust_page(TRUST), pd.DataFrame(misses(TRUST))["method"].value_counts()
    bounded = page.split("- ours meets ")[1].split(" ")[2]
    yield PAGE, f"Of {bounded} bounds, this model meets {int(bounded) - missed['ours']} in white noise"
    met = int(bounded) - missed["ours"]
    yield "README.md", f"Of {bounded} bounds for lesions, contrast, volumes and artefacts, the model meets {met}"
    yield PAGE, f"given the noise level, {int(bounded) - missed['nlmeans']} ("
    yield from strength_claims()
    heads = BOOTSTRAP[BOOTSTRAP["part"] == "heads"].set_index("method")
    for method, words in (("bootstrap", "sigma, and it holds"), ("error head", "sigma, and holds")):
        row = heads.loc[method]
        yield PAGE, f"{row['width']:.2f} {words} {100 * row['0.68']:.0f} and {100 * row['0.95']:.0f} %"


def volumes(method: str) -> list[str]:
    """By how many percent those of white matter, grey matter and CSF are off."""
    return [
        f"{100 * abs(VALUES[method, 'volume', f'T1w, {name}']):.1f}" for name in ("white matter", "grey matter", "CSF")
    ]


def strength_claims() -> Iterator[tuple[str, str]]:
    """The table of what a lower strength does."""
    for strength, table in STRENGTH.groupby("strength"):
        values = table.set_index(["check", "group"])["value"]
        auc = [values["lesion detection, AUC", f"{mm} mm, CNR 3"] for mm in (4, 2)]
        auc += [values["one spot or two, AUC", f"{mm} mm"] for mm in (3, 4)]
        contrast, gain = values["lesion contrast kept", "4 mm, CNR 3"], values["gain of PSNR, dB", "heads"]
        cells = [f"{100 * contrast:.0f} %", *(f"{one:.2f}" for one in auc), f"{gain:.1f} dB"]
        yield PAGE, f"| {strength:g} | " + " | ".join(cells) + " |"

"""Paths, sidecars and description of a BIDS derivative dataset."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from monai_unsup_denoise import __version__
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import write_json, write_text
from monai_unsup_denoise.io.bids.acquisition import acquisition_of
from monai_unsup_denoise.io.bids.dataset import parse_name, read_description

GENERATOR = "monai-unsup-denoise"
#: Name of the source dataset in BIDS URIs.
SOURCE = "raw"
#: Where `report_path` puts reports, below the derivative dataset.
REPORTS = "sub-*/figures/*_desc-denoised_*.html"
#: What of a derivative is not in the standard.
IGNORED = ("*.html", "sub-*/figures")  # no slash at the end, with which the validator does not see it
README = f"""\
# Denoised MR magnitude images

Rician noise was removed by {GENERATOR} (`mri-denoise bids`) from the images under `Sources` in the sidecars. Geometry
and units are those of the source. `NoiseSigma` is the estimated standard deviation of the noise, in the units of the
image, `NoiseSigmaPercent` the same in percent of the maximum of the denoised
image (its 99.9th percentile). For research; not a medical device.
"""

#: Keys of a noise report and of the sidecar.
_OF_NOISE = {
    "sigma": "NoiseSigma",
    "sigma_percent": "NoiseSigmaPercent",
    "sigma_error_percent": "NoiseSigmaErrorPercent",
    "sigma_is_sure": "NoiseSigmaIsSure",
    "varying_noise": "NoiseIsVarying",
    "correlated_noise": "NoiseIsCorrelated",
    "correlation": "NoiseCorrelation",
    "coils": "NoiseCoils",
    "change_percent": "DenoisingChangePercent",
    "strength": "DenoisingStrength",
    "clipped_voxels": "ClippedVoxels",
    "distance": "DistanceFromTraining",
}


def derived_path(scan: PurePosixPath) -> PurePosixPath:
    """Path of the derivative of ``scan``: ``sub-01/anat/sub-01_desc-denoised_T1w.nii.gz``."""
    _, suffix = parse_name(scan.name)
    entities = scan.name.partition(".")[0].removesuffix(suffix)
    return scan.with_name(f"{entities}desc-denoised_{suffix}.nii.gz")


def report_path(derivative: PurePosixPath) -> PurePosixPath:
    """Where BIDS has figures of the derivative: ``sub-01/figures/sub-01_desc-denoised_T1w.html``."""
    return PurePosixPath(derivative.parts[0], "figures", f"{derivative.name.partition('.')[0]}.html")


def sidecar_content(
    scan: PurePosixPath,
    metadata: Mapping[str, Any],
    *,
    noise: Mapping[str, Any],
    digest: str | None,
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """The sidecar of the derivative of ``scan``, a path below the source dataset.

    Of the ``metadata`` of the source, the acquisition is kept. ``noise`` is a `DenoisedVolume.noise_report`, ``digest``
    the SHA-256 of the weights, ``options`` the names of the switches that were on.
    """
    return {
        "Description": "Magnitude image with its Rician noise removed",
        "Sources": [f"bids:{SOURCE}:{scan}"],
        "SkullStripped": False,
        **acquisition_of(metadata),
        **{_OF_NOISE[name]: value for name, value in noise.items()},
        "DenoisingSoftware": GENERATOR,
        "DenoisingSoftwareVersion": __version__,
        "DenoisingModelSHA256": digest,
        "DenoisingOptions": list(options),
    }


def open_derivative(folder: Path, *, source: Path) -> None:
    """Make ``folder`` a derivative dataset of the dataset ``source``; one of ours is left as it is.

    Raises:
        InputError: if it is another dataset, is in ``source`` but not under its ``derivatives``, or cannot be written.
    """
    link = _relative_link(folder, source)
    if (folder / "dataset_description.json").exists():
        makers = read_description(folder).get("GeneratedBy")
        names = [maker.get("Name") for maker in makers if isinstance(maker, dict)] if isinstance(makers, list) else []
        if GENERATOR not in names:
            raise InputError(f"{folder}: is another dataset, not one of {GENERATOR}; give a folder of its own")
    ignored = folder / ".bidsignore"
    lines = ignored.read_text(encoding="utf-8").splitlines() if ignored.exists() else []
    if missing := [line for line in IGNORED if line not in lines]:
        write_text(ignored, "\n".join([*lines, *missing, ""]))
    if (folder / "dataset_description.json").exists():
        return
    if not (folder / "README.md").exists():
        write_text(folder / "README.md", README)
    write_json(folder / "dataset_description.json", _description(read_description(source), link))


def _description(source: Mapping[str, Any], link: str | None) -> dict[str, Any]:
    found = re.fullmatch(
        r"(?:doi:|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/[\w.()/:;-]+)", str(source.get("DatasetDOI"))
    )
    doi = f"doi:{found[1]}" if found else ""  # and no other text
    known = {"DOI": doi} if doi else {"URL": link} if link else {}
    return {
        "Name": "Denoised MR magnitude images",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": GENERATOR, "Version": __version__, "Description": "Denoised by mri-denoise bids"}],
        # No absolute path, which may name people: a relative one, if the source contains the derivative.
        "DatasetLinks": {SOURCE: link or doi or "about:blank"},
        **({"SourceDatasets": [known]} if known else {}),
    }


def _relative_link(folder: Path, source: Path) -> str | None:
    """``../..`` from a folder in the source's derivatives to the source; None for a folder elsewhere."""
    inside, outside = folder.resolve(), source.resolve()
    if not inside.is_relative_to(outside):
        return None
    parts = inside.relative_to(outside).parts
    if parts[:1] != ("derivatives",) or len(parts) < 2:
        raise InputError(f"{folder}: would mix with the dataset itself; give {source / 'derivatives' / 'NAME'}")
    return Path(os.path.relpath(outside, inside)).as_posix()

"""Images that are no magnitudes, by what their name, sidecar or header says: their noise is not Rician."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

COMPLEX_PART = "a phase, real or imaginary image, but magnitudes are needed; give the magnitude series"
_RATIO = "MP2RAGE ratio image: its noise is not Rician; give the magnitude image of an inversion (INV1 or INV2)"

#: Values of DICOM's ImageType, such as Siemens' P and Philips' PHASE MAP and P_FFE.
_PARTS = r"[PRI](_[A-Z]+)?|(PHASE|VELOCITY)([ _]MAP)?|REAL|IMAGINARY"
#: Suffixes of BIDS.
_MAPS = r"_((T1|T2|T2star|R1|R2|R2star|PD|MTR|MTV|MWF|S0|M0|RB1|TB1|Chi)map|MTsat)$"
_ENDING = r"\.(nii|img|hdr|mgh|mgz|nrrd|nhdr|mha|mhd|mnc)(\.gz)?$"
_MAX_SIDECAR = 2**20


def why_no_magnitudes(path: Path) -> str | None:
    """Why a file holds no magnitudes, and what to do; None if neither its name nor its sidecar says so.

    The name is that of BIDS (``_UNIT1``, ``part-phase``, ``_phasediff``, ``_T1map``) or of dcm2niix (``_ph``), whose
    sidecar has DICOM's ImageType.
    """
    stem = re.sub(_ENDING, "", path.name, flags=re.IGNORECASE)
    if re.search(r"(^|_)part-(phase|real|imag)_|_(ph|phase[12]|phasediff)$", stem):
        return COMPLEX_PART
    if re.search(_MAPS, stem):
        return "a quantitative map: its noise is not Rician; give the images that it was made from"
    return why_by_type(_image_type(path.with_name(f"{stem}.json")), stem)


def why_by_type(image_type: Iterable[object], description: str) -> str | None:
    """As `why_no_magnitudes`, by DICOM's ImageType and SeriesDescription.

    The ratio image of MP2RAGE (Marques et al., NeuroImage 49, 2010) has the type UNI, or is ``..._UNI_Images`` by its
    description.
    """
    kinds = {str(kind).strip().upper() for kind in image_type}
    if "UNI" in kinds or re.search(r"(^|_)UNIT1$|[_ ]UNI[_-](Images|DEN)(\b|_)", description, re.IGNORECASE):
        return _RATIO
    return COMPLEX_PART if any(re.fullmatch(_PARTS, kind) for kind in kinds) else None


def _image_type(sidecar: Path) -> list[object]:
    """ImageType of a sidecar; empty where there is none that can be read."""
    try:
        is_readable = sidecar.is_file() and sidecar.stat().st_size < _MAX_SIDECAR
        content = json.loads(sidecar.read_bytes()) if is_readable else None
    except (OSError, ValueError, RecursionError):
        return []
    kinds = content.get("ImageType") if isinstance(content, dict) else None
    return kinds if isinstance(kinds, list) else []

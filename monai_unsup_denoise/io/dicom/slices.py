"""The slices of a series: its files, or the frames of enhanced multi-frame files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom.files import read_file
from monai_unsup_denoise.io.dicom.headers import integer_of, numbers_of
from monai_unsup_denoise.io.dicom.series import DicomSeries
from monai_unsup_denoise.io.no_magnitudes import COMPLEX_PART, why_by_type

#: Elements that a multi-frame file may have once, for all of its frames.
_OF_ALL = (
    "ImageType SeriesDescription ComplexImageComponent Rows Columns PhotometricInterpretation RescaleSlope "
    "RescaleIntercept"
).split()
#: Functional groups whose elements describe a frame as those of a file describe a slice. The mapping to real-world
#: values is none of them: it leaves the voxels as they are.
_GROUPS = (
    "PixelMeasuresSequence PlanePositionSequence PlaneOrientationSequence PixelValueTransformationSequence "
    "FrameContentSequence MRImageFrameTypeSequence MREchoSequence MRDiffusionSequence"
).split()
#: What sets volumes of one file apart, even where no two frames lie at one position.
_VOLUMES = {
    "StackID": "stacks",
    "TemporalPositionIndex": "time points",
    "EffectiveEchoTime": "echoes",
    "DiffusionBValue": "b-values",
}


@dataclass(frozen=True)
class Slice:
    """A slice of a series."""

    path: Path
    item: Dataset  # the dataset of its file
    frame: int  # of its file, from 0
    header: Dataset  # what describes it, in the elements of a file of one slice


def read_slices(series: DicomSeries) -> list[Slice]:
    """The slices of a series, in the order in which they lie along the normal of the first.

    DICOM PS3.3, C.7.6.16 (multi-frame functional groups).

    Raises:
        InputError: if a file is damaged or holds anything but magnitudes, or a multi-frame file several volumes.
    """
    if series.fault:
        raise InputError(series.fault)
    slices = [each for path in series.files for each in slices_of(path)]
    frames = [each.header for each in slices if each.header is not each.item]
    for keyword, name in _VOLUMES.items():
        values = {str(frame[keyword].value) for frame in frames if keyword in frame}
        if len(values) > 1:
            raise InputError(
                f"{series.files[0]}: several volumes ({len(values)} {name}, by {keyword}); export each as a series of "
                "its own"
            )
    orientation = numbers_of(slices[0].header, "ImageOrientationPatient", 6)
    return sorted(slices, key=lambda each: _place(each.header, orientation))


def _place(header: Dataset, orientation: np.ndarray | None) -> float:
    """Position along the normal of the slices, mm; 0 where it is unknown, which is refused later."""
    position = numbers_of(header, "ImagePositionPatient", 3)
    if orientation is None or position is None:
        return 0.0
    return float(position @ np.cross(orientation[:3], orientation[3:]))


def slices_of(path: Path) -> list[Slice]:
    """The slices of a file, in the order in which they are stored.

    Raises:
        InputError: if the file is damaged, or holds anything but magnitudes.
    """
    try:
        item = read_file(path)
        is_single = not _is_multi_frame(item)
        why = _why_not_read(item, is_single=is_single)
        headers = [item] if is_single or why else _frames_of(item)
        why = why or next(filter(None, map(_why_no_magnitudes, headers)), None)
    except InputError:
        raise
    except Exception as error:  # damage raises errors of every kind
        raise InputError(f"{path}: cannot be read ({type(error).__name__}), it is damaged; copy it again") from error
    if why is not None:
        raise InputError(f"{path}: {why}")
    return [Slice(path, item, frame, header) for frame, header in enumerate(headers)]


def _is_multi_frame(item: Dataset) -> bool:
    is_enhanced = "Enhanced" in UID(item.get("SOPClassUID") or "").name or "PerFrameFunctionalGroupsSequence" in item
    return is_enhanced or integer_of(item, "NumberOfFrames") > 1


def _why_not_read(item: Dataset, *, is_single: bool) -> str | None:
    """Why the slices of a file are unknown, and what to do; None if they are known."""
    missing = next((keyword for keyword in ("SOPClassUID", "SOPInstanceUID") if not item.get(keyword)), None)
    if missing is not None:
        return f"has no {missing}; export it again"
    if is_single:
        return None
    if item.SOPClassUID not in (EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage):
        name = "".join(filter(str.isprintable, UID(item.SOPClassUID).name))[:80]
        return f"a multi-frame file of a class that is not read ({name}); export it as Enhanced MR, or a file per slice"
    claimed, described = integer_of(item, "NumberOfFrames"), len(item.get("PerFrameFunctionalGroupsSequence") or [])
    if claimed != described or not described:
        return (
            f"an enhanced multi-frame file of {claimed} frames, of which {described} are described, so that it is "
            "damaged or incomplete; copy or export it again"
        )
    return None


def _frames_of(item: Dataset) -> list[Dataset]:
    """What describes each frame of an enhanced multi-frame file, in the elements of a file of one slice."""
    of_all = [item[keyword] for keyword in _OF_ALL if keyword in item]
    of_all += [element for group in item.get("SharedFunctionalGroupsSequence") or [] for element in _elements(group)]
    return [_frame([*of_all, *_elements(own)]) for own in item.PerFrameFunctionalGroupsSequence]


def _elements(groups: Dataset) -> list[DataElement]:
    """Those of the functional groups that describe a slice."""
    return [element for keyword in _GROUPS for group in groups.get(keyword) or [] for element in group]


def _frame(elements: list[DataElement]) -> Dataset:
    frame = Dataset({element.tag: element for element in elements})
    if "FrameType" in frame:
        frame.add_new(0x00080008, "CS", frame.FrameType)  # not into the element of the file, which all frames share
    return frame


def _why_no_magnitudes(header: Dataset) -> str | None:
    """Why the pixels of a slice are no magnitudes, and what to do; None if they are.

    DICOM PS3.3, C.8.13.3.1 (complex image component), C.7.6.3.1.2 (photometric interpretation) and C.8.3.1.1.1 (image
    type); GE's raw data type is 0 for magnitudes.
    """
    kinds = header.get("ImageType") or []
    kinds = {str(kind).strip().upper() for kind in ([kinds] if isinstance(kinds, str) else kinds)}
    if "MOSAIC" in kinds or _private_of(header, 0x0019, "SIEMENS MR HEADER", 0x0A) > 1:
        return "a Siemens mosaic, whose slices are tiles of one image; convert it with dcm2niix and give the NIfTI file"
    component = str(header.get("ComplexImageComponent") or "MAGNITUDE").strip().upper()
    if component != "MAGNITUDE" or _private_of(header, 0x0043, "GEMS_PARM_01", 0x2F) in (1, 2, 3):
        return COMPLEX_PART
    if why := why_by_type(kinds, str(header.get("SeriesDescription") or "").strip()):
        return why
    photometric = str(header.get("PhotometricInterpretation") or "MONOCHROME2").strip().upper()
    if photometric == "MONOCHROME1":
        return "MONOCHROME1, so that its values may be inverted; export it as MONOCHROME2, with air dark"
    if photometric != "MONOCHROME2":
        return (
            "colour pixels, or a damaged PhotometricInterpretation, but magnitudes are needed; give the original series"
        )
    return None


def _private_of(header: Dataset, group: int, creator: str, element: int) -> int:
    """The number of a private element; 0 where it is missing or malformed."""
    try:
        return int(header.private_block(group, creator)[element].value)
    except (KeyError, TypeError, ValueError):
        return 0

"""Enhanced multi-frame files, made of classic series frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import EnhancedMRImageStorage, generate_uid

from tests.io.dicom.synthetic import save

#: Functional groups: of all frames, of each frame.
SHARED = {
    "PlaneOrientationSequence": ["ImageOrientationPatient"],
    "PixelMeasuresSequence": ["PixelSpacing", "SliceThickness"],
}
OF_EACH = {
    "PlanePositionSequence": ["ImagePositionPatient"],
    "PixelValueTransformationSequence": ["RescaleIntercept", "RescaleSlope", "RescaleType"],
    "FrameContentSequence": ["StackID", "InStackPositionNumber", "TemporalPositionIndex", "DimensionIndexValues"],
    "MRImageFrameTypeSequence": ["FrameType", "ComplexImageComponent"],
    "MREchoSequence": ["EffectiveEchoTime"],
    "MRDiffusionSequence": ["DiffusionBValue"],
}


def to_enhanced(
    folder: Path,
    path: Path,
    *,
    order: Sequence[int] | None = None,
    all_per_frame: bool = False,
    tags: Mapping[str, Any] | None = None,
    **frame_tags: Any,
) -> Path:
    """Write the classic series of ``folder`` as one enhanced file to ``path``, frames in ``order``.

    ``tags`` are laid over those of the file; ``frame_tags`` over those of each frame, a list stands for a value per
    frame, in the order of the slices.
    """
    slices = sorted(map(pydicom.dcmread, folder.iterdir()), key=lambda item: item.InstanceNumber)
    frames = []
    for number, item in enumerate(slices):
        item.StackID, item.InStackPositionNumber, item.DimensionIndexValues = "1", number + 1, [1, number + 1]
        item.FrameType, item.RescaleType = item.ImageType, "US"
        for name, value in frame_tags.items():
            setattr(item, name, value[number] if isinstance(value, list) else value)
        frames.append(_groups(item, SHARED | OF_EACH if all_per_frame else OF_EACH))
    order = range(len(slices)) if order is None else order
    whole = pydicom.Dataset()
    whole.update(slices[0])
    whole.file_meta = slices[0].file_meta
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    whole.SOPInstanceUID = whole.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    whole.SharedFunctionalGroupsSequence = [_groups(slices[0], {} if all_per_frame else SHARED)]
    whole.PerFrameFunctionalGroupsSequence = [frames[index] for index in order]
    whole.NumberOfFrames = len(order)
    whole.PixelData = b"".join(slices[index].PixelData for index in order)
    for name in {name for names in (SHARED | OF_EACH).values() for name in names} & set(whole.dir()):
        delattr(whole, name)
    for name, value in (tags or {}).items():
        setattr(whole, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(whole, path)
    return path


def _groups(item: pydicom.Dataset, names: Mapping[str, Sequence[str]]) -> pydicom.Dataset:
    groups = pydicom.Dataset()
    for sequence, keywords in names.items():
        group = pydicom.Dataset()
        for keyword in keywords:
            if item.get(keyword) is not None:
                setattr(group, keyword, item.get(keyword))
        if len(group):
            setattr(groups, sequence, [group])
    return groups

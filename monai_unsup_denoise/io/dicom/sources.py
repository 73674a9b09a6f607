"""What a derived image says of its source."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence


def refer_to_source(item: Dataset) -> None:
    """Say in ``item``, which still has the UIDs of its source, that it is derived from it, frame by frame.

    DICOM PS3.3, C.7.6.1.1.2 (image type), C.12.4 (source images); of an enhanced multi-frame object C.8.16.1 (frame
    type), C.7.6.16.2.6 (derivation of a frame) and C.8.13.2 (evidence).
    """
    kind = [str(value) for value in item.get("ImageType") or ["ORIGINAL", "PRIMARY"]]
    frames = item.get("PerFrameFunctionalGroupsSequence") or []
    # The second value says when the image was made, but of a multi-frame object it may be nothing but PRIMARY.
    item.ImageType = ["DERIVED", *kind[1:2], *kind[2:]] if frames else ["DERIVED", "SECONDARY", *kind[2:]]
    if not frames:
        item.SourceImageSequence = DicomSequence([_reference(item)])
        return
    item.SourceImageEvidenceSequence = DicomSequence([_evidence(item)])
    shared = item.get("SharedFunctionalGroupsSequence") or []
    for group in shared:
        group.pop("DerivationImageSequence", None)  # a functional group is shared or of each frame
    for group in (*shared, *frames):
        for frame_type in group.get("MRImageFrameTypeSequence") or []:
            frame_type.FrameType = ["DERIVED", *list(frame_type.get("FrameType") or item.ImageType)[1:]]
    for number, group in enumerate(frames, 1):
        derivation, source = Dataset(), _reference(item)
        source.ReferencedFrameNumber = number
        derivation.DerivationDescription = item.DerivationDescription
        # Required here, and open to codes of one's own: those of the standard (PS3.16, CID 7203) have no denoising.
        derivation.DerivationCodeSequence = _code("DENOISED", "99MRIDENOISE", "Noise removed")
        derivation.SourceImageSequence = DicomSequence([source])
        group.DerivationImageSequence = DicomSequence([derivation])


def _reference(item: Dataset) -> Dataset:
    """A reference to ``item`` as a source; its purpose is of DICOM PS3.16, CID 7202."""
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = item.SOPClassUID, item.SOPInstanceUID
    source.SpatialLocationsPreserved = "YES"
    source.PurposeOfReferenceCodeSequence = _code("121322", "DCM", "Source image for image processing operation")
    return source


def _evidence(item: Dataset) -> Dataset:
    """Study, series and UID of ``item``."""
    instance, series, study = Dataset(), Dataset(), Dataset()
    instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = item.SOPClassUID, item.SOPInstanceUID
    series.SeriesInstanceUID, series.ReferencedSOPSequence = item.SeriesInstanceUID, DicomSequence([instance])
    study.StudyInstanceUID, study.ReferencedSeriesSequence = item.get("StudyInstanceUID"), DicomSequence([series])
    return study


def _code(value: str, scheme: str, meaning: str) -> DicomSequence:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return DicomSequence([code])

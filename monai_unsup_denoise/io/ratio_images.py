"""Ratio images of MP2RAGE (UNI), which must not be denoised as magnitudes, recognised by their names."""

import re

RATIO_IMAGE = (
    "MP2RAGE ratio image: its noise is not Rician; give the magnitude image of one of the inversions (INV1, INV2)"
)


def is_ratio_name(name: str) -> bool:
    """Whether a file's name or a DICOM series' description says so: BIDS' ``_UNIT1``, Siemens' ``_UNI_Images``.

    BIDS 1.10, anatomical imaging data; Marques et al., NeuroImage 49 (2010).
    """
    stem = name.partition(".")[0]
    return re.search(r"(^|_)UNIT1$|[_ ]UNI[_-](Images|DEN)(\b|_)", stem, re.IGNORECASE) is not None

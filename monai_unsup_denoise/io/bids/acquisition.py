"""What a derivative's sidecar takes over of its source's: how the scan was acquired, in numbers and set terms.

Never who, where or when, and no free text, in which any of these may stand. Fields and terms are those of the BIDS
specification 1.10 for MR, and of the DICOM standard that it refers to.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_NUMBERS = frozenset(
    """
    MagneticFieldStrength NumberReceiveCoilActiveElements NumberTransmitCoilActiveElements MTOffsetFrequency
    MTPulseBandwidth MTNumberOfPulses MTPulseDuration NumberShots SpoilingRFPhaseIncrement SpoilingGradientMoment
    SpoilingGradientDuration ParallelReductionFactorInPlane ParallelReductionFactorOutOfPlane PartialFourier
    EffectiveEchoSpacing MixingTime TotalReadoutTime EchoTime InversionTime DwellTime AcquisitionDuration SliceTiming
    SliceThickness FlipAngle MultibandAccelerationFactor RepetitionTime RepetitionTimeExcitation
    RepetitionTimePreparation EchoTrainLength PixelBandwidth ImagingFrequency
    """.split()
)
_SWITCHES = frozenset(
    "NonlinearGradientCorrection MTState SpoilingState WaterSuppression NegativeContrast SkullStripped".split()
)
_MAKERS = (
    "Siemens|Siemens Healthineers|GE|GE Medical Systems|GE Healthcare|Philips|Philips Medical Systems|"
    "Philips Healthcare|Canon|MEC|Canon Medical Systems|Toshiba|Hitachi|Hitachi Medical Corporation|"
    "Fujifilm|UIH|United Imaging|United Imaging Healthcare|Bruker|Bruker BioSpin MRI GmbH|Agilent|Varian|Hyperfine|"
    "MR Solutions|Neusoft|Alltech|Esaote|Fonar|Paramed|Synaptive"
)
_DIRECTION = "[ijk]-?"
_TERMS = {
    "Manufacturer": _MAKERS,
    "MRAcquisitionType": "1D|2D|3D",
    "ScanningSequence": "SE|IR|GR|EP|RM",
    "SequenceVariant": "SK|MTC|SS|TRSS|SP|MP|OSP|NONE",
    "ScanOptions": "PER|RG|CG|PPG|FC|PFF|PFP|SP|FS",
    "PulseSequenceType": "MPRAGE|MP2RAGE|FLASH|SPGR|FSPGR|GRE|SE|TSE|FSE|SPACE|CUBE|VISTA|BRAVO|EPI",
    "PhaseEncodingDirection": _DIRECTION,
    "SliceEncodingDirection": _DIRECTION,
    "MTPulseShape": "HARD|GAUSSIAN|GAUSSHANN|SINC|SINCHANN|SINCGAUSS|FERMI",
    "SpoilingType": "RF|GRADIENT|COMBINED",
    "WaterSuppressionTechnique": "CHESS|WET|VAPOR|Lipid",
    "ParallelAcquisitionTechnique": "GRAPPA|SENSE|mSENSE|ARC|ASSET|CAIPIRINHA|SPIRiT|PILS|SMASH",
    "ContrastBolusIngredient": "IODINE|GADOLINIUM|CARBON DIOXIDE|BARIUM|XENON",
    "BodyPart": "BRAIN|HEAD|HEADNECK|SKULL|NECK",
}


def acquisition_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a sidecar that say how the scan was acquired: finite numbers, true or false, set terms."""
    return {name: value for name, value in metadata.items() if _is_taken_over(name, value)}


def _is_taken_over(name: str, value: Any) -> bool:
    if name in _SWITCHES:
        return isinstance(value, bool)
    values = value if isinstance(value, list) and value else [value]
    if name in _NUMBERS:
        return all(type(one) in (int, float) and abs(one) < math.inf for one in values)
    if name in _TERMS:
        return all(isinstance(one, str) and _is_term(one, _TERMS[name]) for one in values)
    return False


def _is_term(value: str, terms: str) -> bool:
    """Whether ``value`` is a term, or several as DICOM and dcm2niix join them."""
    return all(re.fullmatch(terms, word, re.IGNORECASE) for word in re.split(r"[\\,/_]\s*", value))

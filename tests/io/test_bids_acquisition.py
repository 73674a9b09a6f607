"""Of a sidecar, a derivative takes over how the scan was acquired, and no free text."""

import pytest

from monai_unsup_denoise.io.bids.acquisition import _NUMBERS, _SWITCHES, _TERMS, acquisition_of


def test_acquisition_is_kept_in_numbers_and_set_terms():
    metadata = {
        "EchoTime": 0.003,
        "SliceTiming": [0, 0.5, 1.0],
        "FlipAngle": 9,
        "Manufacturer": "SIEMENS",
        "ScanningSequence": "GR_IR",
        "SequenceVariant": ["SP", "MP"],
        "ScanOptions": "PFP\\FS",
        "MRAcquisitionType": "3D",
        "PhaseEncodingDirection": "j-",
        "BodyPart": "Brain",
        "ContrastBolusIngredient": "GADOLINIUM",
        "MTState": False,
        "SkullStripped": True,
    }
    assert acquisition_of(metadata) == metadata
    assert acquisition_of({"Manufacturer": "Canon_MEC"}) and acquisition_of({"Manufacturer": "GE MEDICAL SYSTEMS"})


@pytest.mark.parametrize("name", ["DOE JOHN", "GE DOE JOHN", "DOE^JOHN", "Siemens_DOE", "1970-01-01", "i\nDOE", ""])
def test_free_text_is_never_copied(name):
    """In any field, in place of any kind of value, alone or within."""
    fields = {*_NUMBERS, *_SWITCHES, *_TERMS, "SoftwareVersions", "ReceiveCoilName", "SequenceName", "PatientName", "X"}
    for value in (name, [name], [1, name], ["GR", name], {"EchoTime": name}, {name: 1}, [[1]], [], None):
        assert acquisition_of(dict.fromkeys(fields, value)) == {}
    for field in fields - _SWITCHES:
        assert acquisition_of({field: True}) == {}
    for field in (*_SWITCHES, *_TERMS):
        assert acquisition_of({field: 19700101}) == {}

"""The class of a stay when a movement says there is no encounter."""

import pytest

from gateway.hl7v2.movements import fold_stay
from tests.unit.hl7v2.compose import PV1, admission, with_field
from tests.unit.hl7v2.test_adapter import contribute, of


def row(patient_class: str):
    mapped = contribute(admission(PV1=with_field(PV1, 2, patient_class)))
    return next(one.movement for one in of(mapped, "Encounter") if one.movement)


@pytest.mark.parametrize("patient_class", ["N", "n"])
def test_no_encounter_says_nothing_of_a_class(patient_class):
    assert not row(patient_class).get("patient_class")


def test_a_stay_told_as_no_encounter_has_a_class_all_the_same():
    mapped = contribute(admission(PV1=with_field(PV1, 2, "N")))
    parts = of(mapped, "Encounter")

    stay, *_ = fold_stay(parts[0].target, parts)

    assert stay["class"]["code"] == "IMP"

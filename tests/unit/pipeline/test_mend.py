"""What is left out of an input whose resources break their FHIR shape."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.core.contributions import Contribution, Kind, Target, TraceLine, Version
from gateway.core.errors import RejectedError
from gateway.core.messages import InboxStatus
from gateway.pipeline.mend import after_refusal, fit_alone
from gateway.pipeline.prepared import Prepared
from tests.support.pipeline import FakeConverter, raw

_AT = datetime(2026, 11, 20, tzinfo=UTC)
_VERSION = Version(_AT, _AT, 0, "0" * 64)


class Explaining(FakeConverter):
    """A converter whose trace is given."""

    def __init__(self, *lines):
        super().__init__()
        self.lines = lines

    def explain(self, opened):
        return self.lines


def saying(resource, kind=Kind.OWN):
    target = Target(resource["resourceType"], resource["id"])
    part = Contribution(target, _VERSION, resource, kind=kind)
    opened = FakeConverter().open(raw("1:p1:0"))
    return Prepared(opened, InboxStatus.CONVERTED, contributions=(part,))


def patient(**elements):
    return {"resourceType": "Patient", "id": "p1", **elements}


def mended(resource, *lines):
    """Return what is kept of a resource, and (place, what) of each warning."""
    item = fit_alone(Explaining(*lines), saying(resource))
    assert item.status is InboxStatus.CONVERTED
    return item.contributions[0].resource, [(i.where, i.what) for i in item.issues]


def line(target, source):
    return TraceLine("Patient/p1", target, source, "text", "a clause")


def test_an_extension_goes_with_the_only_value_it_had():
    bad = {"url": "https://relais.example/x", "valueCode": "A  B"}
    good = {"url": "https://relais.example/y", "valueCode": "A"}

    kept, told = mended(patient(extension=[bad, good]), line("extension[0]", "PV2-38"))

    assert kept == patient(extension=[good])
    assert told == [
        (
            "PV2-38",
            "the value for Patient.extension[0].valueCode is left out: "
            "the value is not written as its FHIR type asks.",
        )
    ]


def test_an_extension_keeps_its_good_members():
    parts = [{"url": "a", "valueCode": " "}, {"url": "b", "valueCode": "8"}]
    whole = {"url": "https://relais.example/x", "extension": parts}

    kept, _ = mended(patient(extension=[whole]))

    assert kept == patient(extension=[whole | {"extension": parts[1:]}])


def test_a_coding_without_its_code_keeps_its_words_and_not_its_system():
    coding = {"system": "urn:oid:1.2.3", "code": " x", "display": "Fille"}
    language = [{"language": {"coding": [coding], "text": "Fille"}}]

    kept, _ = mended(patient(communication=language))

    assert kept["communication"] == [
        {"language": {"coding": [{"system": "urn:oid:1.2.3", "display": "Fille"}], "text": "Fille"}}
    ]


def test_a_coding_that_had_only_a_code_goes():
    language = [{"language": {"coding": [{"system": "urn:oid:1.2.3", "code": " x"}]}}]

    kept, _ = mended(patient(communication=language, gender="female"))

    assert kept == patient(gender="female")


def test_a_number_without_its_value_goes_with_its_system():
    identifiers = [{"system": "urn:oid:1.2.3", "value": ""}, {"system": "urn:x", "value": "80"}]

    kept, told = mended(patient(identifier=identifiers), line("identifier[0]", "PID-3[1]"))

    assert kept == patient(identifier=identifiers[1:])
    assert [where for where, _ in told] == ["PID-3[1]"]


def test_the_nearest_field_of_the_trace_is_named():
    name = [{"family": "DUPONT", "given": [""]}]
    lines = (line("name[0]", "PID-5"), line("name[0].given[0]", "PID-5[1].2"))

    _, told = mended(patient(name=name), *lines)

    assert [where for where, _ in told] == ["PID-5[1].2"]


def test_without_a_trace_the_fhir_place_is_named():
    _, told = mended(patient(gender="purple"), line("name[0]", "PID-5"))

    assert [where for where, _ in told] == ["Patient.gender"]


@pytest.mark.parametrize("resource", [
    patient(colour="purple"),
    {"resourceType": "Account", "id": "a1", "status": "burnt"},
])  # fmt: skip
def test_what_no_single_value_explains_is_set_aside(resource):
    item = fit_alone(Explaining(), saying(resource))

    assert item.status is InboxStatus.QUARANTINED
    assert item.contributions == ()
    assert any(i.code.startswith("RLS-FHR-") and i.severity.refuses for i in item.issues)


def test_a_fault_of_the_fold_alone_sets_the_input_aside():
    item = saying(patient(gender="female"))

    after = after_refusal(Explaining(), item, _conflict())

    assert after.status is InboxStatus.QUARANTINED


def _conflict():
    return RejectedError(fit_alone(Explaining(), saying(patient(colour="x"))).issues)


def test_the_input_is_not_changed():
    resource = patient(gender="purple", name=[{"family": "DUPONT"}])

    mended(resource)

    assert resource == patient(gender="purple", name=[{"family": "DUPONT"}])


def test_a_movement_loses_the_value_of_its_stay_that_breaks_its_type():
    way_out = {"coding": [{"system": "urn:x", "code": "3\u00a09"}], "text": "parti"}
    said = {"hospitalization": {"dischargeDisposition": way_out}}
    stay = Target("Encounter", "e1")
    item = saying(patient())
    part = replace(
        item.contributions[0],
        target=stay,
        resource={"resourceType": "Encounter", "id": "e1"},
        movement={"key": "M1", "said": said},
    )
    told = TraceLine(
        "Encounter/e1", "hospitalization.dischargeDisposition", "PV1-36", "text", "a clause"
    )

    kept = after_refusal(Explaining(told), replace(item, contributions=(part,)), RejectedError([]))

    assert kept.contributions[0].movement == {
        "key": "M1",
        "said": {"hospitalization": {"dischargeDisposition": {"text": "parti"}}},
    }
    assert [issue.where for issue in kept.issues] == ["PV1-36"]

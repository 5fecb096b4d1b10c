"""Mode full: the models of `fhir.resources` judge what the compiled checks let pass."""

import pytest

from gateway.core.issues import Issue, Severity
from gateway.core.messages import InboxStatus
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter
from gateway.fhir import shape
from tests.conftest import ROOT
from tests.support import hospital
from tests.support.gateway import message
from tests.support.pipeline import HandClock

BODY = (ROOT / "fixtures" / "hl7v2" / "mdm_t02_new_letter" / "input.er7").read_bytes()
WRONG = Issue("RLS-FHR-020", Severity.ERROR, "Patient.name", "it is wrong.", "Mend it.", 207)


@pytest.fixture
def asked(monkeypatch):
    """Note the types the models are asked about; one of them is refused."""
    types: list[str] = []

    def full(resource):
        types.append(resource["resourceType"])
        return [WRONG] if resource["resourceType"] == "Patient" else []

    monkeypatch.setattr(shape, "full", full)
    return types


def prepared(converter):
    return converter.prepare(converter.open(message(BODY)))


def of_mode(mode: str):
    return build_converter(load(receive={"validation": mode}), clock=HandClock())


def test_what_the_models_refuse_is_set_aside_and_told(asked):
    item = prepared(of_mode("full"))

    assert {"Patient", "Encounter", "Binary", "DocumentReference", "Provenance"} <= set(asked)
    assert (item.status, item.contributions, item.assertions) == (InboxStatus.QUARANTINED, (), ())
    assert item.issues == (WRONG,)


def test_mode_compiled_does_not_ask_them(asked):
    item = prepared(of_mode("compiled"))

    assert (item.status, asked) == (InboxStatus.CONVERTED, [])


@pytest.mark.parametrize(("site", "is_asked"), [("full", True), ("compiled", False), ("", False)])
def test_a_site_decides_for_itself(asked, site, is_asked):
    prepared(hospital.converter(validation=site))

    assert bool(asked) is is_asked


def test_what_is_right_passes_both():
    item = prepared(of_mode("full"))

    assert (item.status, item.issues) == (InboxStatus.CONVERTED, ())


def test_what_breaks_its_shape_is_left_to_the_commit(asked, monkeypatch):
    monkeypatch.setattr(shape, "check", lambda _resource: [WRONG])

    assert (prepared(of_mode("full")).status, asked) == (InboxStatus.CONVERTED, [])

"""What is remembered of a sender never shows in what its messages, or those of others, give."""

import pytest

from gateway.fhir.identity import Ids
from gateway.hl7v2 import adapter, plans
from gateway.hl7v2.canonical import header
from gateway.hl7v2.convert import CONVERTERS
from gateway.hl7v2.reader import read
from gateway.mapping.loader import load_mappings
from gateway.mapping.sites import Site
from tests.unit.hl7v2.compose import admission

IDS = Ids()
MAPPINGS = load_mappings()
ONE = Site(name="one", finess="990000001", authorities={"CHU-DEMO": "990000001"})
OTHER = Site(name="other", finess="990000002", authorities={"CHU-DEMO": "990000002"})


def said(known: adapter.Plans, site: Site) -> list[object]:
    raw = admission()
    message = read(raw)
    mapped = adapter.contribute(
        message, known, site, IDS, header=header(raw, message), test_ins=True
    )
    return [mapped.contributions, mapped.issues, mapped.flags, mapped.assertions, mapped.feed]


def test_the_same_text_of_two_hospitals_gives_each_its_own():
    known = plans.compile_plans(MAPPINGS)

    found = [said(known, site) for site in (ONE, OTHER, ONE, OTHER)]

    alone = [said(plans.compile_plans(MAPPINGS), site) for site in (ONE, OTHER)]
    assert found == alone * 2
    assert alone[0] != alone[1]


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(plans, "_MEMORY", 1)
    known = plans.compile_plans(MAPPINGS)

    found = [said(known, ONE) for _ in range(3)]

    assert found[1:] == found[:-1]
    (memory,) = known.memory.values()
    said_once = len(memory.resources) + len(memory.values)
    said(known, ONE)
    assert len(memory.resources) + len(memory.values) == said_once


@pytest.mark.parametrize("name", [name for name in CONVERTERS if CONVERTERS.is_of_text(name)])
def test_what_is_remembered_by_its_text_reads_nothing_beside_it(name):
    assert CONVERTERS.reads(name) == ()

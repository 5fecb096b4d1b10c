"""What the site table of a sender decides: character set, version, answers, sites."""

from typing import Any

import pytest

from gateway.core.issues import Issue
from gateway.core.messages import Channel, InboxStatus, RawMessage
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter, mapping_faults
from gateway.hl7v2.reader import read
from gateway.mapping.loader import Mappings, load_mappings
from gateway.mapping.sites import Site, Sites
from gateway.pipeline.folds import fold_alone
from gateway.pipeline.prepared import Opened, Prepared
from tests.support.pipeline import START, HandClock
from tests.unit.hl7v2.compose import EVN, PID, PV1, ZBE, admission, er7, with_field, with_msh

CZECH = "ŠTĚPÁNEK"


@pytest.fixture(scope="module")
def mappings() -> Mappings:
    return load_mappings()


def taken(
    mappings: Mappings, body: bytes, profile: dict[str, Any], http: str | None = None
) -> tuple[Opened, Prepared]:
    """Convert a message of a sender whose site table says this."""
    known = {"name": "chu", "finess": "990000001", "sources": [{"facility": "CHU-DEMO"}]}
    mappings.sites = Sites([Site.model_validate({**known, **profile})])
    made = build_converter(load(), clock=HandClock(), mappings=mappings)
    opened = made.open(RawMessage(body, Channel.HTTP, START, charset=http))
    return opened, made.prepare(opened)


def family(found: Prepared) -> str:
    made = fold_alone(found.contributions)
    return next(one["name"][0]["family"] for one in made if one["resourceType"] == "Patient")


def undeclared(encoding: str) -> bytes:
    pid = with_field(PID, 5, f"{CZECH}^JANA^JANA^^^^L")
    return er7(with_msh(18, ""), EVN, pid, PV1, ZBE, encoding=encoding)


def test_the_site_tells_the_character_set_of_a_sender_that_does_not(mappings):
    _, found = taken(mappings, undeclared("iso8859-2"), {"charset": "8859/2"})

    assert family(found) == CZECH
    assert "charset-undeclared" not in found.flags


def test_what_the_transport_says_comes_before_the_site(mappings):
    body = undeclared("iso8859-2")

    _, found = taken(mappings, body, {"charset": "8859/15"}, http="iso-8859-2")

    assert family(found) == CZECH


def test_a_declared_character_set_is_followed_whatever_the_site_says(mappings):
    body = er7(with_msh(18, "8859/2"), EVN, with_field(PID, 5, f"{CZECH}^J^J^^^^L"), PV1, ZBE,
               encoding="iso8859-2")  # fmt: skip

    _, found = taken(mappings, body, {"charset": "8859/15"})

    assert family(found) == CZECH


def test_a_strict_sender_may_have_its_character_set_in_the_site(mappings):
    profile = {"charset": "8859/2", "leniency": "strict"}

    _, found = taken(mappings, undeclared("iso8859-2"), profile)

    assert (found.status, found.issues) == (InboxStatus.CONVERTED, ())


def test_a_character_set_of_a_site_that_is_none_is_told_when_the_files_are_read(mappings):
    mappings.sites = Sites([Site(name="chu", charset="GB 18030")])

    found: list[Issue] = mapping_faults(mappings)

    assert [(one.code, one.where) for one in found] == [("RLS-CFG-020", "site chu, charset")]


@pytest.mark.parametrize(("versions", "status"), [
    ([], InboxStatus.QUARANTINED), (["2.3.1"], InboxStatus.CONVERTED),
])  # fmt: skip
def test_the_site_allows_an_older_version(mappings, versions, status):
    _, found = taken(mappings, admission(MSH=with_msh(12, "2.3.1")), {"versions": versions})

    assert found.status is status


@pytest.mark.field("FL-080")
def test_an_old_sender_gets_the_place_of_the_fault_in_err_1(mappings):
    body = admission(MSH=with_msh(12, "2.3.1"), PID=with_field(PID, 3, ""))
    profile = {"versions": ["2.3.1"], "err_style": "err1", "ack_msh9": "short"}

    opened, found = taken(mappings, body, profile)
    answer = read(opened.answer("refuse", found.issues))

    assert (answer.value("MSA-1"), answer.value("MSH-9.3")) == ("AE", "")
    assert [answer.value(f"ERR-1.{part}") for part in (1, 2, 3)] == ["PID", "1", "3"]
    assert answer.value("ERR-3") == ""


def test_a_source_that_is_told_at_once_is_kept_and_not_converted(mappings):
    opened, _ = taken(mappings, admission(), {"ack": "accept"})

    assert not opened.policy.process

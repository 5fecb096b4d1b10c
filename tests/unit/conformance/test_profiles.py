"""Profiles as data: every file is sound, every known event has one, faults of a file are told."""

import pytest

from gateway.conformance.profiles import load_profiles
from gateway.core.datafiles import data_folder
from gateway.core.errors import FatalError
from gateway.hl7v2.events import EVENTS
from tests.conftest import ROOT
from tests.support.docs.markdown import cells
from tests.unit.conformance.judging import profiles

#: Known events that no French profile describes: they are kept without effect.
WITHOUT = {"ADT^A08", "ADT^A09", "ADT^A10", "ADT^A32", "ADT^A33", "ADT^A49"}


def test_every_known_event_has_a_profile():
    known = {f"{kind}^{trigger}" for kind, trigger in EVENTS}

    assert known - set(profiles().by_message) == WITHOUT & known


def test_every_profile_is_of_a_known_event():
    known = {f"{kind}^{trigger}" for kind, trigger in EVENTS}

    assert set(profiles().by_message) - known == {"ACK"}


def test_every_clause_begins_with_a_source_we_name():
    page = (ROOT / "docs/reference/sources.md").read_text(encoding="utf-8")
    tags = tuple(row[0] for line in page.splitlines() if (row := cells(line))[1:])
    said = {table.clause for table in profiles().tables.values()}
    for known in profiles().by_message.values():
        for profile in known:
            said |= {profile.family.clause, *profile.clauses.values()}
            rows = (row for segment in profile.segments.values() for row in segment.values())
            said |= {row.clause for row in rows}

    assert {clause for clause in said if clause and not clause.startswith(tags)} == set()


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("MDM^T02", ["mailed-document", "document"]),
        ("ORU^R01", ["result-document", "result"]),
    ],
)
def test_a_family_with_a_condition_is_asked_first(message, names):
    assert [profile.family.name for profile in profiles().by_message[message]] == names


@pytest.fixture
def folder(tmp_path):
    """Give a copy of the profiles that may be broken."""
    for path in (data_folder("profiles") / "hl7v2").rglob("*.yaml"):
        target = tmp_path / path.relative_to(data_folder("profiles") / "hl7v2")
        target.parent.mkdir(exist_ok=True)
        target.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("fields.yaml", "table: sex", "table: nothing", "there is no table nothing"),
        ("fields.yaml", '"8": {table: sex}', '"8": {form: nothing}', "there is no form nothing"),
        (
            "fields.yaml",
            "usage: C, form: CX, when: {PV1-2: [E, I, O, R, V]}",
            "usage: C",
            "usage C",
        ),
        ("fields.yaml", "{PV1-2: [E, I, O, R, V]}", "{somewhere: [E]}", "somewhere is no place"),
        ("messages/order.yaml", "name: order", "name: orders", "is not the file name"),
        ("messages/order.yaml", "ORM^O01", "OMG^O19 ORM^O01", "another file has this message"),
        ("messages/order.yaml", "[CTD] [{DG1}]", "[CTD [{DG1}]", "closes nothing"),
        ("types.yaml", "usage: R", "usage: maybe", "types.CX.1.usage"),
    ],
)
def test_a_fault_of_a_file_is_told_with_its_place(folder, name, old, new, told):
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(FatalError) as caught:
        load_profiles(folder)

    assert {issue.code for issue in caught.value.issues} == {"RLS-CFG-120"}
    assert any(told in issue.what or told in issue.where for issue in caught.value.issues)

"""The region is the same on every machine and its parts fit together."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.errors import FatalError
from gateway.mapping.loader import read_yaml_file
from gateway.mapping.sites import Site
from gateway.simulation.establishments import ESTABLISHMENTS, Establishment
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.simulation.rendering import name
from gateway.simulation.steps import Booking, IdentityNews, LetterSent, Movement, Request, Step

ROOT = Path(__file__).resolve().parents[3]
_EVENTS = ("A01", "A02", "A03", "A04", "A05", "A11", "A12", "A13", "A21", "A22")
_PROGRAM = """
import hashlib
from gateway.simulation.play import events
from gateway.simulation.region import Region
digest = hashlib.sha256()
for event in events(Region(7, 20)):
    digest.update(repr((event.at, event.door, event.source, event.body, event.label)).encode())
print(digest.hexdigest())
"""


def _digest_elsewhere(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=os.environ | environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_same_seed_gives_the_same_bytes_whatever_the_process() -> None:
    here = hashlib.sha256()
    for event in events(Region(7, 20)):
        here.update(repr((event.at, event.door, event.source, event.body, event.label)).encode())

    there = _digest_elsewhere(PYTHONHASHSEED="1", TZ="America/New_York", LC_ALL="C")
    elsewhere = _digest_elsewhere(PYTHONHASHSEED="2", TZ="Asia/Tokyo", LC_ALL="C.UTF-8")

    assert there == here.hexdigest()
    assert elsewhere == here.hexdigest()


def test_another_seed_gives_other_people() -> None:
    assert Region(1, 5).patients() != Region(2, 5).patients()


def test_a_larger_region_holds_the_same_first_patients() -> None:
    assert Region(3, 30).patients()[:10] == Region(3, 10).patients()


def test_identities_are_of_the_test_domain_and_distinct() -> None:
    people = [patient.person for patient in Region(1, 200).patients()]

    assert len({who.matricule for who in people}) == 200
    assert all(who.matricule[5:10] == who.place for who in people)
    assert {who.place[:2] for who in people} == {"99"}
    assert all(who.birth_family.startswith("PAT-") for who in people)


def test_matricules_stay_distinct_where_the_rank_repeats() -> None:
    region = Region(1, 20_000)

    same_rank = [region.patient(order).person.matricule for order in range(5, 20_000, 1000)]

    assert len(set(same_rank)) == 20


@pytest.mark.parametrize("size", [-1, 99_001])
def test_a_region_too_large_for_distinct_identities_is_refused(size: int) -> None:
    with pytest.raises(FatalError) as refused:
        Region(1, size)

    assert [(issue.code, issue.where) for issue in refused.value.issues] == [
        ("RLS-CFG-050", "size")
    ]


def test_three_hundred_patients_give_some_thousand_messages_of_every_kind() -> None:
    kinds = Counter(name(step) for patient in Region(1, 300).patients() for step in patient.steps)

    assert 3000 <= kinds.total() <= 6000
    assert set(kinds) == {
        *(f"ADT^{event}" for event in _EVENTS),
        *("ADT^A28", "ADT^A31", "ADT^A52", "ADT^A53", "SIU^S12", "SIU^S15", "ORM^O01"),
        *("MDM^T02", "MDM^T10", "MDM^T04", "CDA 11490-0", "ADT^A40", "ADT^A37", "SIU^S26"),
    }  # fmt: skip


def test_a_step_is_entered_after_the_fact_and_sent_after_it_is_entered() -> None:
    steps = [step for patient in Region(1, 60).patients() for step in patient.steps]

    assert all(step.occurred <= step.recorded < step.sent for step in steps)
    late = [step for step in steps if step.sent - step.occurred >= timedelta(hours=1)]
    # Discharges of a Friday or a week-end, entered on the Monday after.
    assert {step.content.event for step in late} == {"A03"}
    assert {step.sent.weekday() for step in late} == {0}
    assert {step.occurred.weekday() for step in late} <= {4, 5, 6}


def _movements(step: Step) -> str:
    assert isinstance(step.content, Movement)
    return step.content.event


def _of(patient: tuple[Step, ...], visit: str) -> list[Step]:
    return [
        step
        for step in patient
        if isinstance(step.content, Movement) and step.content.visit.number == visit
    ]


def test_each_visit_is_admitted_before_anything_else_and_ends_once() -> None:
    visits = {
        (step.content.visit.number, patient.steps)
        for patient in Region(1, 120).patients()
        for step in patient.steps
        if isinstance(step.content, Movement)
    }

    told = [[_movements(step) for step in _of(steps, number)] for number, steps in visits]

    assert told
    assert {events[0] for events in told} == {"A01", "A04", "A05"}
    assert {events.count("A03") - events.count("A13") for events in told} == {1}
    assert {events.count("A21") - events.count("A52") for events in told} <= {0, 1}


def test_sessions_are_visits_of_one_dossier_and_only_the_last_closes_it() -> None:
    patients = Region(1, 120).patients()
    series = [
        [
            step.content
            for step in patient.steps
            if isinstance(step.content, Movement) and step.content.event == "A03"
        ]
        for patient in patients
        if patient.steps[0].story == "chemotherapy"
    ]

    assert len(series) > 10
    for exits in series:
        assert {exit.visit.care.patient_class for exit in exits} == {"R"}
        assert len({exit.visit.nda for exit in exits}) == 1
        assert len({exit.visit.number for exit in exits}) == len(exits)


def test_a_patient_is_known_to_an_establishment_before_it_says_anything_else() -> None:
    for patient in Region(1, 100).patients():
        seen: set[str] = set()
        for step in patient.steps:
            site = _site(step)
            if isinstance(step.content, IdentityNews) and step.content.event == "A28":
                seen.add(site.key)
            assert site.key in seen


def _site(step: Step) -> Establishment:
    content = step.content
    if isinstance(content, (Movement, Request, LetterSent)):
        return content.visit.establishment
    assert isinstance(content, (IdentityNews, Booking))
    return content.establishment


@pytest.mark.parametrize("site", ESTABLISHMENTS, ids=lambda site: site.key)
def test_the_site_tables_describe_the_same_establishments(site: Establishment) -> None:
    file = read_yaml_file(ROOT / "mappings" / "sites" / f"demo-{site.key}.yaml")
    table = Site.model_validate(file.data)

    assert table.name == f"demo-{site.key}"
    assert table.finess == site.finess
    assert [source.facility for source in table.sources] == [site.alias]
    assert table.authorities == {site.alias: site.finess}
    assert table.cda_roots == {site.ipp_root: site.finess}
    assert {code: (uf.name, uf.sector) for code, uf in table.ufs.items()} == {
        unit.code: (unit.name, unit.sector) for unit in site.units
    }
    assert table.require_ins
    assert table.processing_ids == {"T"}

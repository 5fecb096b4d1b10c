"""Rules, stories and a short way to play a log."""

import json
from pathlib import Path

import pytest

from gateway.core.facts import Op
from gateway.core.pathway_ports import Move
from gateway.mapping.yamltext import read_text_yaml
from gateway.pathway.calendar import local
from gateway.pathway.cohort import Cohort, advance_cohort
from gateway.pathway.replay import advance
from gateway.pathway.rulefiles import load_rules
from gateway.pathway.rules import Rules, load
from gateway.pathway.watermarks import Feeds
from tests.conftest import ROOT
from tests.support.assertions import OTHER, PATIENT, paris, says

STORIES = ROOT / "fixtures" / "pathways"
#: Whom the stories are about, by the name they have there.
PATIENTS = {"DEMO-1": PATIENT, "DEMO-2": OTHER}


@pytest.fixture(scope="session")
def shipped() -> Rules:
    """Give the rules that ship with the program."""
    return load_rules()


@pytest.fixture
def only(shipped):
    """Give some of the shipped rules."""

    def choose(*names: str) -> Rules:
        return Rules({name: shipped.versions[name] for name in names})

    return choose


def rule(text: str, stem: str = "TST-01") -> Rules:
    """Return the rule of a text, completed with what every rule must say."""
    base = """
version: 1
name: {fr: "Essai", en: "Trial"}
applies_from: 2020-01-01
severity: major
owner: {role: UNIT, org: trigger.establishment}
legal: {ref: "Relais", kind: default}
"""
    keys = {line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()}
    kept = "\n".join(line for line in base.splitlines() if line.partition(":")[0] not in keys)
    whole = f"id: {stem[:6]}\n{kept}\n{text}"
    return load({stem: read_text_yaml(whole, f"{stem}.yaml")})


class Play:
    """Plays a log through looks at given instants; keeps rows and lines like a store."""

    def __init__(self, rules, feeds=None, **identity):
        self.rules, self.feeds, self.identity = rules, feeds or Feeds(), identity
        self.rows, self.lines, self.looked, self.due = (), [], None, None

    def until(self, log, now):
        """Look once, at `now`, knowing what was received by then."""
        now = paris(now) if isinstance(now, str) else now
        known = [one for one in log if one.at <= now]
        found = advance(
            known, self.rules, self.feeds, "relais", self.rows, self.looked, now,
            person_id=PATIENT.id, **self.identity,
        )  # fmt: skip
        self.rows, self.looked, self.due = found.rows, now, found.next_due
        self.lines += found.lines
        return self

    @property
    def story(self):
        """Return (Paris time, from, to, cause) of each line."""
        return [
            (
                local(line.instant).strftime("%Y-%m-%d %H:%M:%S"),
                line.from_status and line.from_status.value,
                line.to_status.value,
                line.cause,
            )
            for line in self.lines
        ]

    @property
    def statuses(self):
        """Return the status of each expectation, by rule and trigger."""
        return {(row.rule, row.trigger): row.status.value for row in self.rows}


class PlayOfTwo:
    """Plays a log about two records that are one person for a while."""

    def __init__(self, rules, moves):
        self.rules, self.moves = rules, moves
        self.known, self.lines = {}, []
        self.looked = dict.fromkeys(one.id for one in PATIENTS.values())

    def until(self, log, now):
        """Look once at both, at `now`, knowing what was received by then."""
        now = paris(now) if isinstance(now, str) else now
        done = [move for move in self.moves if move.at <= now]
        persons = {name: name for name in self.looked} | {m.patient_id: m.after for m in done}
        known = [one for one in log if one.at <= now]
        cohort = Cohort(persons, self.looked, done)
        for one in advance_cohort(known, self.rules, Feeds(), "relais", self.rows, cohort, now):
            self.known |= {row.gap_id: row for row in one.advance.rows}
            self.lines += one.advance.lines
        self.looked = dict.fromkeys(self.looked, now)
        return self

    @property
    def rows(self):
        """Return every expectation, in order of gap id."""
        return tuple(self.known[gap_id] for gap_id in sorted(self.known))

    @property
    def statuses(self):
        """Return the status of each expectation, by rule and trigger."""
        return {(row.rule, row.trigger): row.status.value for row in self.rows}


def moves_of(folder: Path) -> list[Move]:
    """Return the links and partings of a story's two records, oldest first."""
    case = read_text_yaml((folder / "case.yaml").read_text("utf-8"), "case.yaml").data
    moves, at = [], OTHER.id
    for move in case.get("moves", ()):
        to = PATIENTS[move["to"]].id
        moves.append(Move(paris(move["at"]), OTHER.id, at, to))
        at = to
    return moves


def read_log(folder: Path):
    """Read the assertions of a story."""
    found = []
    for number, line in enumerate((folder / "log.ndjson").read_text("utf-8").splitlines()):
        one = json.loads(line)
        te = one["te"] if isinstance(one["te"], str) else " / ".join(one["te"])
        found.append(
            says(
                one["event"],
                one["key"],
                te,
                one["received_at"],
                revision=one["revision"],
                op=Op(one["op"]),
                source=one["source"],
                flags=tuple(one["flags"]),
                order=number,
                sent=one["received_at"],
                patient=PATIENTS[one.get("patient", "DEMO-1")],
                **one["attributes"],
            )
        )
    return found

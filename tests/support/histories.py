"""Random histories of a person, rules for them, and the same rules for the naive engine."""

from datetime import timedelta

from gateway.core.facts import Op
from gateway.core.pathway_ports import FeedState
from gateway.core.timestamps import PARIS
from gateway.mapping.yamltext import read_text_yaml
from gateway.pathway.rules import load
from gateway.pathway.watermarks import Feeds
from tests.support.assertions import HAD, MCO, PATIENT, SMR, paris, says
from tests.support.oracle import Expected

COMMON = """
version: 1
name: {fr: "Essai", en: "Trial"}
applies_from: 2020-01-01
owner: {role: UNIT, org: trigger.establishment}
legal: {ref: "Relais", kind: default}
"""
FILES = {
    "LET-01": """
trigger: {event: ENC.DISCHARGE, where: "patient_class == 'I' and mode != '9'"}
window_open: -PT48H
deadline: {n: 0, unit: day0}
grace: PT6H
closes: [{event: DOC.LDL_SES, match: visit}]
severity: major
needs_feed: ["trigger.establishment:DOC"]
""",
    "ARR-01": """
trigger: {event: ENC.DISCHARGE, where: "destination == 'smr'"}
window_open: -PT6H
deadline: {n: 12, unit: h}
grace: PT2H
closes: [{event: ENC.ADMIT, where: "estab != t.estab"}]
closer_mode: consumed
severity: critical
needs_feed: ["trigger.establishment:DOC"]
""",
    "VIS-01": """
trigger: {event: ENC.DISCHARGE, where: "destination == 'home'"}
deadline: {n: 2, unit: bd}
grace: PT24H
closes: [{event: DOC.CONSULT}]
pauses:
  - - {event: ENC.ADMIT, where: "estab != t.estab"}
    - {event: ENC.DISCHARGE, where: "estab != t.estab"}
severity: minor
needs_feed: []
""",
    "REA-01": """
kind: forbid
trigger: {event: ENC.DISCHARGE}
deadline: {n: 3, unit: d}
closes: [{event: ENC.ADMIT, where: "estab == t.estab"}]
cancels: [{event: ENC.OUTPT, where: "estab == t.estab"}]
severity: info
needs_feed: []
""",
}  # fmt: skip
RULES = load(
    {
        stem: read_text_yaml(f"id: {stem}\n{COMMON}{text}", f"{stem}.yaml")
        for stem, text in FILES.items()
    }
)


def _elsewhere(fact, trigger):
    return fact.get("estab") != trigger.get("estab")


def _here(fact, trigger):
    return not _elsewhere(fact, trigger)


NAIVE = (
    Expected(
        "LET-01",
        "ENC.DISCHARGE",
        lambda t: t.get("patient_class") == "I" and t.get("mode") != "9",
        0,
        "day0",
        (("DOC.LDL_SES", lambda f, t: f.get("visit") == t.get("visit") and _here(f, t)),),
        window=timedelta(hours=-48),
        grace=timedelta(hours=6),
        feeds=("DOC",),
    ),
    Expected(
        "ARR-01",
        "ENC.DISCHARGE",
        lambda t: t.get("destination") == "smr",
        12,
        "h",
        (("ENC.ADMIT", _elsewhere),),
        window=timedelta(hours=-6),
        grace=timedelta(hours=2),
        consumed=True,
        feeds=("DOC",),
        max_unconfirmed=timedelta(hours=12),
    ),
    Expected(
        "VIS-01",
        "ENC.DISCHARGE",
        lambda t: t.get("destination") == "home",
        2,
        "bd",
        (("DOC.CONSULT", lambda _f, _t: True),),
        grace=timedelta(hours=24),
        pauses=((("ENC.ADMIT", _elsewhere), ("ENC.DISCHARGE", _elsewhere)),),
    ),
    Expected(
        "REA-01",
        "ENC.DISCHARGE",
        lambda _t: True,
        3,
        "d",
        (("ENC.ADMIT", _here),),
        cancels=(("ENC.OUTPT", _here),),
        forbid=True,
    ),
)
#: (event, establishments, keys): what may be said.
KINDS = (
    ("ENC.DISCHARGE", (MCO, MCO, SMR), 3),
    ("ENC.ADMIT", (MCO, SMR, HAD), 3),
    ("DOC.LDL_SES", (MCO,), 3),
    ("DOC.CONSULT", (MCO,), 2),
    ("ENC.OUTPT", (MCO, SMR), 1),
    ("PAT.DEATH", (MCO,), 1),
)
#: Two days before clocks change, and before 1 November.
START = paris("2025-10-24 08:00")
END = START + timedelta(days=40)


def said(moves, patient=PATIENT, first=0):
    """Make a log of moves; equal receipts keep the order of the list."""
    log = []
    for order, move in enumerate(moves, first):
        kind, place, number, hour, minutes, revision, retract, goes, by_day = move
        event, places, keys = KINDS[kind]
        estab, number = places[place % len(places)], number % keys
        te = START + timedelta(hours=hour)
        by_day = by_day and event not in ("ENC.DISCHARGE", "ENC.ADMIT")
        text = te.astimezone(PARIS)
        log.append(
            says(
                event,
                f"{event}|{estab}|{number}|{patient.id[-1]}",
                text.date().isoformat() if by_day else te.isoformat(),
                (te + timedelta(minutes=minutes)).isoformat(),
                revision=f"{revision} {te.isoformat()} {goes}",
                op=Op.RETRACT if retract else _op(event, revision, minutes),
                patient=patient,
                order=order,
                estab=estab,
                visit=f"V{number % 2}",
                patient_class="IO"[goes == 3],
                **_told(goes, minutes),
            )
        )
    return log


def _op(event, revision, minutes):
    """Correct now and then; a correction of what nobody has told makes nothing."""
    corrects = event.startswith("ENC.") and revision == 3 and minutes in (20, 700)
    return Op.AMEND if corrects else Op.ASSERT


def _told(goes, minutes):
    """Leave out now and then where somebody goes: an earlier word may have said it."""
    if minutes == 1:
        return {}
    return {"destination": ("smr", "home", "smr", "unknown")[goes]}


def random_moves(rng, size):
    """Return moves of the same kinds without hypothesis."""
    return [
        (
            rng.choice([0, 0, 0, 1, 1, 2, 2, 3, 4, 5]),
            rng.randrange(3),
            rng.randrange(3),
            rng.randrange(24 * 8),
            rng.choice([0, 1, 20, 90, 700, 3000, 6000]),
            rng.randint(1, 3),
            rng.random() < 0.2,
            rng.randrange(4),
            rng.random() < 0.3,
        )
        for _ in range(size)
    ]


def marks(hours):
    """Return a feed that spoke at these hours, complete up to ten minutes before each."""
    at = [START + timedelta(hours=hour) for hour in sorted(set(hours))]
    return tuple((one, one - timedelta(minutes=10)) for one in at)


def feeds_of(pairs):
    state = FeedState(f"{MCO}:DOC", START, END, 9, (), pairs)
    return Feeds.of([state], [f"{MCO}:DOC"])

"""Random histories for any shipped rule: facts of the events it names, with what it reads.

Values come from the texts and numbers of its own conditions, so that they hold now and then. What
the engine would compute of several facts is said outright: the naive engine computes nothing.
"""

import re
from datetime import timedelta
from itertools import chain
from typing import Any

from gateway.core.events import ATTRIBUTES, EVENTS, Kind, family
from gateway.core.facts import Op
from gateway.core.timestamps import PARIS
from gateway.mapping.yamltext import read_text_yaml
from tests.conftest import ROOT
from tests.support.assertions import MCO, SMR, paris, says

_READ = [
    read_text_yaml(path.read_text("utf-8"), path.name).data
    for path in sorted((ROOT / "profiles" / "pathways").glob("*.yaml"))
]
#: Every version of each rule, the highest last.
VERSIONS = {
    name: sorted((one for one in _READ if one["id"] == name), key=lambda one: int(one["version"]))
    for name in sorted({one["id"] for one in _READ})
}
FILES = {name: versions[-1] for name, versions in VERSIONS.items()}
START = paris("2026-04-24 08:00")
END = START + timedelta(days=430)

#: Computed when nobody says them.
_COMPUTED = (
    "admit_kind", "destination", "detail", "length_of_stay_h", "open_episode", "overlap_estab",
    "overlap_visit", "return_due", "risk", "stay_end", "stay_start",
)  # fmt: skip
_WORD = re.compile(r"'([^']*)'")
_NAME = re.compile(r"(?:t\.)?\b([a-z_]+)\b(?!')")
_NUMBER = re.compile(r"(?<![\w'])-?\d+(?![\w'])")
#: Of a family, `DOC.*`, two will do.
_FEW = {"DOC.*": ("DOC.LDL_SES", "DOC.BIO"), "DOCV.*": ("DOCV.LDL_SES", "DOCV.CRH")}


def events_of_rule(said: dict[str, Any]) -> tuple[str, ...]:
    """Return the events a rule names, its trigger several times."""
    trigger = _events(said["trigger"]["event"])
    patterns = [*said["closes"], *said.get("also", []), *said.get("given", []),
                *said.get("cancels", []), *chain.from_iterable(said.get("pauses", []))]  # fmt: skip
    named = [one if isinstance(one, str) else one["event"] for one in patterns]
    found = dict.fromkeys(chain.from_iterable(map(_events, named)))
    cancer = ["DOC.FRCP"] if said.get("scope") else []
    return (*trigger[:3], *trigger[:3], *trigger[:3], *cancer, *found)


def _events(pattern: str) -> list[str]:
    return [name for part in pattern.split("|") for name in _FEW.get(part, (part,))]


def _texts(said: Any) -> list[str]:
    if isinstance(said, dict):
        own = [said["where"]] if isinstance(said.get("where"), str) else []
        return own + [one for value in said.values() for one in _texts(value)]
    if isinstance(said, list):
        return [one for value in said for one in _texts(value)]
    return []


def fields_of_rule(said: dict[str, Any]) -> list[str]:
    """Return the attributes a rule reads."""
    names = set(_NAME.findall(" ".join(re.sub(r"'[^']*'", "''", text) for text in _texts(said))))
    matches = re.findall(r"'match': '([^']*)'", str(said))
    names |= set(chain.from_iterable(match.split("+") for match in matches))
    names |= {said.get("anchor", "").removeprefix("trigger."), "low", "setid"}
    names |= {re.match("[a-z_]*", said.get("window_open", ""))[0]}
    known = set(chain.from_iterable(ATTRIBUTES.values()))
    return sorted((names & known) - {"te", "tr", "estab", "visit", "source"})


def value(name: str, kind: Kind, said: dict[str, Any], rng: Any) -> Any:
    """Return one value of an attribute; None: nothing is said of it."""
    text = " ".join(one for one in _texts(said) if re.search(rf"\b{name}\b", one))
    if name not in _COMPUTED and rng.random() < 0.15:
        return None
    if kind is Kind.BOOLEAN:
        return rng.random() < 0.8
    if kind is Kind.NUMBER:
        known = [int(one) for one in _NUMBER.findall(text)] or [1, 2]
        return rng.choice(known) + rng.choice((-1, 0, 1, 1))
    if kind is Kind.INSTANT:
        instant = START + timedelta(hours=rng.randrange(-48, 24 * 20))
        return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
    compared = re.findall(rf"\b{name} (?:==|!=|in) ('[^']*'|\[[^\]]*\])", text)
    words = _WORD.findall(" ".join(compared))
    words = words if words and rng.random() < 0.7 else ["k1", "k2"]
    if name in ("acceptor", "overlap_estab"):
        words = [MCO, SMR]
    if name == "overlap_visit":
        words = ["V0", "V1"]
    return list(words) if kind is Kind.TEXTS else rng.choice(words)


def history(rule_id: str, rng: Any, size: int) -> list[Any]:
    """Return a log of assertions for a rule; nothing lies in the future of its receipt."""
    said = FILES[rule_id]
    names, fields = events_of_rule(said), fields_of_rule(said)
    log = []
    for order in range(size):
        # A death ends nearly everything: seldom, so that something is left to be seen.
        event = "PAT.DEATH" if rng.random() < 0.04 else rng.choice(names)
        assert event in EVENTS, event
        te = START + timedelta(hours=rng.randrange(24 * 12))
        minutes = rng.choice((0, 1, 20, 90, 700, 3000, 6000))
        told = _told(event, fields, said, rng)
        number = rng.randrange(3)
        key = f"{event}|{told['estab']}|{number}"
        log.append(
            says(
                event,
                key,
                te.astimezone(PARIS).isoformat(),
                (te + timedelta(minutes=minutes)).isoformat(),
                revision=f"{rng.randint(1, 3)} {te.isoformat()} {order}",
                op=Op.RETRACT if rng.random() < 0.15 else Op.ASSERT,
                order=order,
                **told,
            )
        )
    return log


def _told(event: str, fields: list[str], said: dict[str, Any], rng: Any) -> dict[str, Any]:
    schema = ATTRIBUTES[family(event)]
    found: dict[str, Any] = {"estab": rng.choice((MCO, MCO, SMR))}
    if "visit" in schema:
        found["visit"] = f"V{rng.randrange(2)}"
    wanted = [*fields, *(name for name in _COMPUTED if family(event) == "ENC")]
    for name in dict.fromkeys(wanted):
        # What a document promises goes with its versions, which the naive engine does not follow.
        promised = name == "setid" and family(event) not in ("DOC", "DOCV")
        if name in schema and not promised:
            found[name] = value(name, schema[name], said, rng)
    if event in ("PAT.GP_KNOWN",):
        found.pop("gp", None)
    return {name: one for name, one in found.items() if one is not None}

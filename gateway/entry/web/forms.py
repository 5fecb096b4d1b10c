"""What people type to act on a gap: the fields of each act, and what is wrong with them.

Knows no store. What is wrong is told beside its field, in the words of the page, and nothing that
was typed is lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from gateway.core.timestamps import PARIS
from gateway.core.work import LONGEST_MUTE, SHORTEST_NOTE, Reason
from gateway.fhir.gap_words import CLOSURES
from gateway.fhir.gap_work import WAITING

#: Acts, with the fields of their forms.
ACTS: Mapping[str, tuple[str, ...]] = {
    "take": (),
    "return": ("note",),
    "assign": ("to", "note"),
    "wait": ("state",),
    "defer": ("until", "reason"),
    "note": ("text",),
    "mute": ("scope", "why", "end", "note"),
    "unmute": ("mute",),
    "close": ("outcome", "note"),
    "reopen": ("note",),
    "undo": (),
}
#: Acts on several gaps at once.
BULK = ("take", "assign", "defer", "close")
SCOPES = ("gap", "patient-rule")
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it was typed.

    Attributes:
        act: one of `ACTS`.
        values: by field; empty ones are left out.
        errors: key of the catalogue by field, below `fault`.
        version: of the Task the person saw.
    """

    act: str
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    version: int = 0

    def value(self, name: str) -> str:
        """Return what was typed, empty when nothing was."""
        return self.values.get(name, "")

    @property
    def until(self) -> datetime | None:
        """Return the instant typed in Paris time, UTC."""
        return local_instant(self.value("until"))

    @property
    def end(self) -> datetime | None:
        """Return the end of the day typed, in Paris, UTC."""
        try:
            day = date.fromisoformat(self.value("end"))
        except ValueError:
            return None
        return datetime.combine(day, time(23, 59, 59), PARIS).astimezone(UTC)


def local_instant(text: str) -> datetime | None:
    """Return the instant of a local time in Paris, `2026-03-16T09:00`; None when it is none."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.replace(tzinfo=PARIS).astimezone(UTC) if read.tzinfo is None else None


def typed(act: str, fields: Mapping[str, str], now: datetime) -> Form:
    """Return a form with what is wrong in it.

    Args:
        act: one of `ACTS`.
        fields: as they were sent, by name; only those of the act are kept.
        now: the present instant.
    """
    values = {
        name: value
        for name in ACTS[act]
        if (value := fields.get(name, "").replace("\r\n", "\n").strip())
    }
    number = fields.get("version", "")
    version = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0
    form = Form(act, values, version=version)
    errors = {
        name: fault for name, check in _CHECKS.get(act, {}).items() if (fault := check(form, now))
    }
    errors |= {name: "long" for name, value in values.items() if len(value) > _LONGEST}
    return Form(act, values, errors, version)


def _said(name: str) -> Callable[[Form, datetime], str]:
    return lambda form, _: "" if form.value(name) else "missing"


def _one_of(name: str, known: tuple[str, ...]) -> Callable[[Form, datetime], str]:
    return lambda form, _: "" if form.value(name) in known else "choose"


def _ahead(form: Form, now: datetime) -> str:
    until = form.until
    if until is None:
        return "date"
    return "" if until > now else "past"


def _mute_ends(form: Form, now: datetime) -> str:
    end = form.end
    if end is None:
        return "date"
    if end <= now:
        return "past"
    return "" if end - now <= LONGEST_MUTE - timedelta(seconds=1) else "far"


def _told(form: Form, _: datetime) -> str:
    return "" if len(form.value("note")) >= SHORTEST_NOTE else "short"


_CHECKS: Mapping[str, Mapping[str, Callable[[Form, datetime], str]]] = {
    "assign": {"to": _said("to")},
    "wait": {"state": _one_of("state", WAITING)},
    "defer": {"until": _ahead, "reason": _said("reason")},
    "note": {"text": _said("text")},
    "mute": {
        "scope": _one_of("scope", SCOPES),
        "why": _one_of("why", tuple(one.value for one in Reason)),
        "end": _mute_ends,
        "note": _told,
    },
    "close": {"outcome": _one_of("outcome", CLOSURES), "note": _said("note")},
    "reopen": {"note": _said("note")},
}

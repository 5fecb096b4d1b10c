"""A bulk export: what is asked, and which resources of which types that means.

Spec: HL7 Bulk Data Access 2.0.0, kick-off request and its parameters; `_until` of 3.0.0. Does not
read the store (`pipeline.exporting`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.ports import Condition
from gateway.fhir import search_results
from gateway.fhir.search_dates import Range, date_range
from gateway.fhir.search_faults import (
    LEFT_OUT,
    bad_value,
    not_supported,
    place,
    unknown_parameter,
)
from gateway.fhir.search_query import parse
from gateway.fhir.search_results import read_elements
from gateway.fhir.search_table import PARAMETERS

#: Answers with every export here; a client may ask for it by any of its names.
NDJSON = "application/fhir+ndjson"
_FORMATS = frozenset({NDJSON, "application/ndjson", "ndjson", "application/fhir ndjson"})
_KNOWN = (
    "_elements", "_outputFormat", "_since", "_type", "_typeFilter", "_until", "patient",
)  # fmt: skip
#: Parameters of the standard that are not offered; leaving them out changes the form only.
_NOT_OFFERED = frozenset({"includeAssociatedData", "organizeOutputBy", "allowPartialManifests"})
#: Belong to one client, or to those who audit, and are no data about care.
_NEVER = frozenset({"AuditEvent", "Subscription"})
#: Filters are separated by commas; a comma inside one is not followed by `Type?`.
_FILTERS = re.compile(r",(?=[A-Z][A-Za-z]{1,40}\?)")
_PATIENT = re.compile(r"(?:Patient/)?([A-Za-z0-9.-]{1,64})")
_MAX_PATIENTS = 50


@dataclass(frozen=True, slots=True)
class Part:
    """Resources of one type that go in.

    Attributes:
        type: resource type.
        alternatives: a resource meets all conditions of one of them.
    """

    type: str
    alternatives: tuple[tuple[Condition, ...], ...]


@dataclass(slots=True)
class ExportQuery:
    """What is asked.

    Attributes:
        parts: by type.
        elements: the only elements wanted; empty for all.
        since: start of the span from which changes count; None for all.
        looked_at: (type, letter) pairs that filters look at beside the types exported.
        left_out: what was not understood and `handling=lenient` leaves out.
    """

    parts: tuple[Part, ...] = ()
    elements: tuple[str, ...] = ()
    since: datetime | None = None
    looked_at: tuple[tuple[str, str], ...] = ()
    left_out: tuple[Issue, ...] = ()


def types_of(level: str) -> tuple[str, ...]:
    """Return the types an export of a level may hold: `` for all, `Patient` for what is theirs."""
    found = sorted(set(PARAMETERS) - _NEVER)
    if not level:
        return tuple(found)
    return tuple(type_ for type_ in found if _belongs(type_, ()) is not None)


def parse_export(
    level: str,
    pairs: Sequence[tuple[str, str]],
    *,
    may: Iterable[str] | None = None,
    lenient: bool = False,
    base: str = "",
    now: datetime | None = None,
) -> ExportQuery:
    """Read the parameters of an export.

    Args:
        level: `` for the system, `Patient` for all persons.
        pairs: decoded names and values, in order.
        may: types the client has a right to; None for all.
        lenient: leave out what is not offered.
        base: address of this server.
        now: what `ap` in a filter is measured from.

    Raises:
        RejectedError: one issue per fault (RLS-FHR-060 to RLS-FHR-064).
    """
    reader = _Reader(level, base, now)
    for name, value in pairs:
        reader.read(name, value)
    faults = [one for one in reader.issues if not (lenient and one.code in LEFT_OUT)]
    if not faults:
        faults = reader.misplaced()
    if faults:
        raise RejectedError(faults)
    return reader.query(may)


@dataclass(slots=True)
class _Reader:
    level: str
    base: str
    now: datetime | None
    issues: list[Issue] = field(default_factory=list)
    types: dict[str, None] = field(default_factory=dict)
    filters: dict[str, list[tuple[Condition, ...]]] = field(default_factory=dict)
    elements: list[str] = field(default_factory=list)
    bounds: list[Condition] = field(default_factory=list)
    since: Range | None = None
    patients: list[tuple[str | None, str]] = field(default_factory=list)
    looked_at: list[tuple[str, str]] = field(default_factory=list)

    def read(self, name: str, value: str) -> None:
        """Take one parameter in."""
        if name in ("_format", "_pretty"):
            return
        if name in _NOT_OFFERED:
            self.issues.append(not_supported(place(name), f"The parameter {name} is"))
        elif name not in _KNOWN or (name == "patient" and self.level != "Patient"):
            self.issues.append(unknown_parameter(place(name), "an export", _KNOWN))
        elif name == "_typeFilter":
            for one in _FILTERS.split(value):
                self._filter(one)
        elif not self._took(name, value):
            self.issues.append(bad_value(f"http.{name}", _WANTED[name]))

    def _took(self, name: str, value: str) -> bool:
        if name == "_outputFormat":
            return value.partition(";")[0].strip().lower() in _FORMATS
        if name == "_type":
            names = [one.strip() for one in value.split(",")]
            self.types.update(dict.fromkeys(names))
            return set(names) <= set(types_of(self.level))
        if name == "_elements":
            found = read_elements(value, PARAMETERS)
            self.elements += found or []
            return found is not None
        if name == "patient":
            match = _PATIENT.fullmatch(value.removeprefix(f"{self.base}/"))
            self.patients += [("Patient", match[1])] if match else []
            return match is not None and len(self.patients) <= _MAX_PATIENTS
        # An unescaped plus in an address arrives as a space.
        span = date_range(value.replace(" ", "+"))
        if span is None:
            return False
        prefix = "ge" if name == "_since" else "le"
        self.bounds.append(Condition("_lastUpdated", "date", ((prefix, *span),)))
        if name == "_since":
            self.since = span
        return True

    def _filter(self, text: str) -> None:
        where = "http._typeFilter"
        type_, _, asked = text.partition("?")
        pairs = parse_qsl(asked, keep_blank_values=True)
        if type_ not in types_of(self.level) or not pairs:
            self.issues.append(bad_value(where, "Type?parameter=value for a type of this export"))
            return
        if any(search_results.is_control(name) or name == "_cursor" for name, _ in pairs):
            self.issues.append(bad_value(where, "conditions only, no order, page or include"))
            return
        try:
            query = parse(type_, pairs, "strict", self.base, self.now)
        except RejectedError as error:
            # The standard lets a server leave a filter out; more would leave than was asked for.
            self.issues += [_always(issue) for issue in error.issues]
            return
        self.filters.setdefault(type_, []).append(query.conditions)
        self.looked_at += query.looked_at()

    def misplaced(self) -> list[Issue]:
        """Return what is wrong between parameters."""
        if self.types and not set(self.filters) <= set(self.types):
            return [bad_value("http._typeFilter", "filters for types that _type names")]
        return []

    def query(self, may: Iterable[str] | None) -> ExportQuery:
        """Give the whole, once every parameter was read."""
        wanted = tuple(self.types) or types_of(self.level)
        allowed = set(wanted if may is None else may)
        parts = [
            Part(type_, self._alternatives(type_)) for type_ in sorted(wanted) if type_ in allowed
        ]
        since = None if self.since is None else datetime.fromisoformat(self.since[0])
        return ExportQuery(
            tuple(parts),
            tuple(self.elements),
            since,
            tuple(self.looked_at),
            tuple(one for one in self.issues if one.code in LEFT_OUT),
        )

    def _alternatives(self, type_: str) -> tuple[tuple[Condition, ...], ...]:
        always = list(self.bounds)
        if self.level:
            always += _belongs(type_, self.patients) or ()
        return tuple((*always, *one) for one in self.filters.get(type_, [()]))


_WANTED = {
    "_type": "resource types that are exported here, separated by commas",
    "_since": "an instant",
    "_until": "an instant",
    "_elements": "names of elements, separated by commas",
    "_outputFormat": NDJSON,
    "patient": f"references to at most {_MAX_PATIENTS} persons, as Patient/id",
}


def _always(issue: Issue) -> Issue:
    """Return what is wrong in a filter as a fault that is never left out."""
    wanted = "filters that the search of their type understands"
    return bad_value("http._typeFilter", f"{wanted} ({issue.what.rstrip('.')})")


def _belongs(type_: str, patients: Sequence[tuple[str | None, str]]) -> list[Condition] | None:
    """Return the conditions by which resources of a type are about a person; None if none does."""
    if type_ == "Patient":
        ids = tuple((None, id_) for _, id_ in patients)
        return [Condition("_id", "token", ids)] if ids else []
    if all(parameter.code != "patient" for parameter in PARAMETERS[type_]):
        return None
    # Any of ours: a reference without address is about a person nobody knows.
    wanted = tuple(patients) or (("Patient", None),)
    return [Condition("patient", "reference", wanted)]

"""`$everything` on a Patient, a stay or an episode: what is asked, and where it is looked for.

Spec: FHIR R4 OperationDefinition/Patient-everything, Encounter-everything. On EpisodeOfCare it is
an operation of our own: the episode, its stays, and what was done in them. Provenance comes only
when `_type` asks for it. Does not read the store (`pipeline.everything`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.ports import Condition
from gateway.fhir import page_tokens
from gateway.fhir.search_dates import Range, date_range
from gateway.fhir.search_faults import bad_value, place, unknown_parameter
from gateway.fhir.search_results import DEFAULT_COUNT, read_count
from gateway.fhir.search_table import PARAMETERS

#: Types that have the operation.
TYPES = ("Encounter", "EpisodeOfCare", "Patient")
_KNOWN = ("_count", "_cursor", "_format", "_pretty", "_since", "_type", "end", "start")
_ON_REQUEST = "Provenance"
#: Parameters that say when care was given; the first one a type has counts.
_CARE_DATES = (
    "date", "occurrence", "identified", "effective", "collected", "authored", "authored-on",
    "authoredon", "event-date", "start-date", "onset-date", "issued", "recorded-date", "recorded",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shelf:
    """Resources of one type that belong to the whole."""

    type: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class EverythingQuery:
    """What is asked.

    Attributes:
        type: of the resource the operation is called on.
        id: of that resource.
        count: resources per page.
        types: only these; empty for all but Provenance.
        start: span of the first day of care; None for no bound.
        end: span of the last day of care; None for no bound.
        since: span of the instant from which changes count; None for all.
        cursor: where the page starts; None for the first.
        issued: when the page was offered; None for the first.
        used: name and value pairs that had an effect, for the links.
    """

    type: str
    id: str
    count: int = DEFAULT_COUNT
    types: tuple[str, ...] = ()
    start: Range | None = None
    end: Range | None = None
    since: Range | None = None
    cursor: str | None = None
    issued: datetime | None = None
    used: tuple[tuple[str, str], ...] = ()

    def page_token(self, cursor: str, now: datetime | None) -> str:
        """Return the token of the page that starts at a cursor, given out now."""
        return page_tokens.write(self._asked(), cursor, now)

    def own_token(self) -> str | None:
        """Return the token of this page; None for the first."""
        return None if self.cursor is None else self.page_token(self.cursor, self.issued)

    def at(self, token: str, now: datetime | None) -> "EverythingQuery":
        """Return the same from the page of a token on.

        Raises:
            RejectedError: the token is of another listing, or too old.
        """
        opened = page_tokens.read(self._asked(), token, now)
        return replace(self, cursor=opened.cursor, issued=opened.issued)

    def _asked(self) -> str:
        asked = [pair for pair in self.used if pair[0] not in ("_count", "_format")]
        return f"everything\n{self.type}/{self.id}\n{asked}"

    def wants(self, type_: str) -> bool:
        """Tell whether resources of a type are asked for."""
        return type_ in self.types if self.types else type_ != _ON_REQUEST

    def shelves(self) -> list[Shelf]:
        """Return where to look, in the order of the answer: what it is called on comes first."""
        found = []
        for type_ in sorted(PARAMETERS, key=lambda name: (name != self.type, name)):
            belongs = _belongs(self.type, self.id, type_) if self.wants(type_) else None
            if belongs is not None:
                when = () if (type_, belongs.param) == (self.type, "_id") else self._when(type_)
                found.append(Shelf(type_, (belongs, *when)))
        if self.type != "Patient" and self.wants("Encounter"):
            # Movements have no episode and no stay but the one they are part of.
            found.append(Shelf("Encounter", (self._movements(), *self._when("Encounter"))))
        return found

    def _movements(self) -> Condition:
        here = ((self.type, self.id),)
        if self.type == "Encounter":
            return Condition("part-of", "reference", here)
        stays = Condition("episode-of-care", "reference", here)
        return Condition("part-of", "chain", of="Encounter", inner=(stays,))

    def _when(self, type_: str) -> tuple[Condition, ...]:
        found: list[Condition] = []
        codes = {parameter.code for parameter in PARAMETERS[type_]}
        dated = next((code for code in _CARE_DATES if code in codes), None)
        if dated and self.start is not None:
            found.append(Condition(dated, "date", (("ge", *self.start),)))
        if dated and self.end is not None:
            found.append(Condition(dated, "date", (("le", *self.end),)))
        if self.since is not None:
            found.append(Condition("_lastUpdated", "date", (("ge", *self.since),)))
        return tuple(found)


def parse_everything(
    type_: str, id_: str, pairs: Sequence[tuple[str, str]], now: datetime | None = None
) -> EverythingQuery:
    """Read the parameters of the operation.

    Raises:
        RejectedError: one issue per fault (RLS-FHR-060, RLS-FHR-062, RLS-FHR-065, RLS-FHR-072).
    """
    query = EverythingQuery(type_, id_)
    token = None
    issues: list[Issue] = []
    for name, value in pairs:
        if name not in _KNOWN:
            issues.append(unknown_parameter(place(name), "this operation", _KNOWN))
        elif name == "_cursor":
            token = value
        elif name != "_pretty":
            changed = _read(query, name, value)
            if changed is None:
                issues.append(bad_value(f"http.{name}", _WANTED[name]))
            else:
                query = replace(changed, used=(*query.used, (name, value)))
    if issues:
        raise RejectedError(issues)
    return query if token is None else query.at(token, now)


_WANTED = {
    "_count": "a whole number, 1 or more",
    "_type": "resource types, separated by commas",
    "_since": "an instant",
    "start": "a date",
    "end": "a date",
}


def _read(query: EverythingQuery, name: str, value: str) -> EverythingQuery | None:
    if name == "_count":
        count = read_count(value)
        return replace(query, count=count) if count else None
    if name == "_type":
        types = tuple(value.split(","))
        known = all(type_ in PARAMETERS for type_ in types)
        return replace(query, types=(*query.types, *types)) if known else None
    if name == "_format":
        return query
    # An unescaped plus in an address arrives as a space.
    span = date_range(value.replace(" ", "+"))
    if span is None:
        return None
    if name == "_since":
        return replace(query, since=span)
    return replace(query, start=span) if name == "start" else replace(query, end=span)


def _belongs(root: str, id_: str, type_: str) -> Condition | None:
    """Return the condition by which resources of a type belong to the root; None if none does."""
    if type_ == root:
        return Condition("_id", "token", ((None, id_),))
    codes = {parameter.code for parameter in PARAMETERS[type_]}
    here = ((root, id_),)
    if type_ == _ON_REQUEST:
        return Condition("target", "reference", here)
    if root == "Patient":
        return Condition("patient", "reference", here) if "patient" in codes else None
    inside = next((code for code in ("encounter", "context") if code in codes), None)
    if root == "Encounter":
        return Condition(inside, "reference", here) if inside else None
    stays = Condition("episode-of-care", "reference", here)
    if type_ == "Encounter":
        return stays
    return Condition(inside, "chain", of="Encounter", inner=(stays,)) if inside else None

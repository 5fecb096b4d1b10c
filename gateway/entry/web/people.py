"""Who is at a page, and what they may do there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from gateway.core.access import LOCAL
from gateway.entry.auth.people import People, Person, Role
from gateway.fhir.client_provenance import of_person
from gateway.fhir.gap_acts import Who
from gateway.pipeline.audited import CURRENT

#: Shown as the owner of a gap that was taken where there are no accounts.
_HERE = "Poste local"


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who works with the pages.

    Attributes:
        id: national identifier, or that of the implicit person of this machine.
        name: as colleagues read it.
        may_act: on gaps.
    """

    id: str
    name: str
    may_act: bool

    @property
    def who(self) -> Who:
        """Return who they are in what they write."""
        return Who(LOCAL if self.id == LOCAL else of_person(self.id), self.name)


HERE = Colleague(LOCAL, _HERE, may_act=True)
#: Somebody of whom nothing is known: the pages are read only.
NOBODY = Colleague("", "", may_act=False)


def colleague(person: Person) -> Colleague:
    """Return somebody of the table of people."""
    return Colleague(person.id, person.name or person.id, person.role is Role.COORDINATOR)


@dataclass(frozen=True, slots=True)
class Staff:
    """Those who work with the pages.

    Attributes:
        people: the table; None where there are no accounts, and everybody is the one person
            of this machine.
    """

    people: People | None = None

    def at(self, request: Request) -> Colleague:
        """Return who sent a request that the gate let through."""
        if self.people is None:
            return HERE
        told: dict[str, str] = getattr(request.state, "person", {})
        found = self.people.find(told.get("user", ""))
        return NOBODY if found is None else colleague(found)

    def acting(self) -> Sequence[Colleague]:
        """Return who a gap can be given to, by name."""
        if self.people is None:
            return (HERE,)
        known = (colleague(one) for one in self.people.everybody())
        return sorted((one for one in known if one.may_act), key=lambda one: one.name)

    def names(self) -> Callable[[str], str]:
        """Return what names an owner by identifier; one nobody knows keeps the identifier."""
        known = {one.id: one.name for one in self.acting()}
        return lambda id_: known.get(id_, id_)


def sign(request: Request) -> None:
    """Have what this request writes noted in the journal under the name of its person."""
    audited = CURRENT.get()
    if audited is not None:
        told: dict[str, str] = getattr(request.state, "person", {})
        audited.details |= told
        audited.agent = told.get("user", LOCAL)

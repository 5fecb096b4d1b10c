"""What a declared event comes to: the stay or the document as it stands with it, and its facts.

Nothing is written here, and nobody is told: that is `pipeline.declared_events`.
"""

from dataclasses import dataclass
from hashlib import sha256

from gateway.core.contributions import Json, Target
from gateway.core.errors import RejectedError
from gateway.core.facts import Op, Span
from gateway.core.ports import Condition, Transaction
from gateway.core.systems import IDENTIFIER_BASE
from gateway.fhir import nde_faults as faults
from gateway.fhir.bundle import to_bytes
from gateway.fhir.identity import Ids
from gateway.fhir.moments import moment
from gateway.fhir.nde_declared import Declared
from gateway.fhir.written_fold import last_word
from gateway.pipeline import written
from gateway.pipeline.write_checks import check_owner

_MOST = 50
_EDGES = (("ENC.ADMIT", "start"), ("ENC.DISCHARGE", "end"))
_CLASS = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "code": "IMP",
    "display": "inpatient encounter",
}
_NUMBER_OF_STAY = {
    "coding": [
        {
            "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-identifier-type",
            "code": "VN",
        }
    ]
}


@dataclass(frozen=True, slots=True)
class Word:
    """What a declaration comes to: the whole resource, and its facts.

    Attributes:
        resource: as it stands from now on.
        facts: event, whether it holds, and when.
    """

    target: Target
    resource: Json
    facts: tuple[tuple[str, Op, Span], ...] = ()


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says what one declaration comes to.

    Attributes:
        client: who declares.
        estab: FINESS it is declared of; `place` the id of its Organization.
        patient: Patient as it is stored.
    """

    tx: Transaction
    declared: Declared
    client: str
    ids: Ids
    estab: str
    place: str
    patient: Json

    def of_document(self) -> Word:
        """Return the DocumentReference of a document that lies somewhere else.

        Raises:
            RejectedError: as `_known`.
        """
        said, sent = self.declared, self.declared.payload
        attachment = sent.get("contentAttachment") or {"title": sent["contentString"]}
        key = (
            said.number
            or sha256(
                to_bytes({"patient": self.patient["id"], "at": said.at, "attachment": attachment})
            ).hexdigest()
        )
        system = f"{IDENTIFIER_BASE}/declared-document/{self.estab}"
        target = Target("DocumentReference", self.ids.document(system, key))
        if said.is_withdrawn:
            return Word(target, {**self._known(target), "status": "entered-in-error"})
        self._known(target, may_be_new=True)
        resource: Json = {
            "resourceType": target.type,
            "id": target.id,
            "status": "current",
            "subject": {"reference": f"Patient/{self.patient['id']}"},
            # An instant has its seconds; a day has none.
            **({"date": said.at} if len(said.at) > len("2026-11-14") else {}),
            "custodian": {"reference": f"Organization/{self.place}"},
            "description": sent.get("contentString") or attachment.get("title") or "Document",
            "content": [{"attachment": attachment}],
        }
        return Word(target, resource)

    def of_stay(self) -> Word:
        """Return the Encounter as it stands with the admission or the discharge.

        Raises:
            RejectedError: as `_stay`, `_known` and `_hold_to_person`.
        """
        said = self.declared
        edge = "end" if said.event == "SOR" else "start"
        target = self._stay(is_end=edge == "end")
        known = self._known(target, may_be_new=not said.is_withdrawn)
        self._hold_to_person(known)
        period, status = dict(known.get("period", {})), known.get("status", "")
        if said.is_withdrawn:
            if moment(period.get(edge, "")) != said.when:
                raise RejectedError([faults.nothing_to_take_back()])
            if edge == "start":
                status = "entered-in-error"
            else:
                del period["end"]
                status = "in-progress" if status == "finished" else status
        else:
            period[edge] = said.at
            status = "finished" if "end" in period else "in-progress"
        base = known or self._plain_stay(target)
        resource: Json = {**base, "status": status, "class": _CLASS, "period": period}
        return Word(target, resource, _changed(_facts(known), _facts(resource)))

    def _plain_stay(self, target: Target) -> Json:
        system, number = self._visit()
        if not number:
            # FR Core asks for a number; ours stands for that of the admission.
            system, number = self._own_stays(), target.id
        numbered = {"type": _NUMBER_OF_STAY, "system": system, "value": number}
        return {
            "resourceType": target.type,
            "id": target.id,
            "meta": {
                "profile": ["https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-encounter"]
            },
            "identifier": [numbered],
            "subject": {"reference": f"Patient/{self.patient['id']}"},
            "serviceProvider": {"reference": f"Organization/{self.place}"},
        }

    def _records(self) -> list[str]:
        """Return the Patients of the person."""
        own = str(self.patient["id"])
        person = self.tx.facts.persons([own])[own]
        return sorted({own, *self.tx.facts.patients(person)})

    def _hold_to_person(self, known: Json) -> None:
        """Hold a number to the person whose stay it is.

        Raises:
            RejectedError: another person's (RLS-FHR-285).
        """
        subject = known.get("subject", {}).get("reference", "").removeprefix("Patient/")
        if subject and subject not in self._records():
            raise RejectedError([faults.stay_of_another()])

    def _own_stays(self) -> str:
        return f"{IDENTIFIER_BASE}/declared-stay/{self.estab}"

    def _visit(self) -> tuple[str, str]:
        system, number = self.declared.visit
        return (system or f"{IDENTIFIER_BASE}/visit/{self.estab}"), number

    def _stay(self, *, is_end: bool) -> Target:
        """Return the stay an event is of: the one it names, that of its admission, or the open one.

        Raises:
            RejectedError: a discharge names none, and none or several are open (RLS-FHR-282).
        """
        system, number = self._visit()
        if number:
            return Target("Encounter", self.ids.stay(system, number))
        if not is_end:
            began = self.declared.when.low.isoformat()
            key = f"{self.patient['id']}#{began}"
            return Target("Encounter", self.ids.stay(self._own_stays(), key))
        wanted = [
            Condition("patient", "reference", tuple(("Patient", one) for one in self._records())),
            Condition("service-provider", "reference", (("Organization", self.place),)),
        ]
        rows = self.tx.resources.search("Encounter", wanted, _MOST, None).resources
        stays = [body for row in rows if (body := written.read(row)) is not None]
        fits = [one for one in stays if self._may_end(one)]
        if len(fits) == 1:
            return Target("Encounter", str(fits[0]["id"]))
        if self.declared.is_withdrawn:
            raise RejectedError([faults.nothing_to_take_back()])
        raise RejectedError([faults.no_stay(len(fits))])

    def _may_end(self, stay: Json) -> bool:
        """Tell whether the discharge may be of a stay: open since before, or ended by this word."""
        period = stay.get("period", {})
        ended, started = moment(period.get("end", "")), moment(period.get("start", ""))
        if ended is not None:
            return ended == self.declared.when
        is_open = stay.get("status") == "in-progress" and not self.declared.is_withdrawn
        return is_open and started is not None and started.low <= self.declared.when.high

    def _known(self, target: Target, *, may_be_new: bool = False) -> Json:
        """Return what was declared of a resource before; empty when it is new.

        Raises:
            RejectedError: a hospital or another client told it (RLS-FHR-244), or nothing was
                declared that could be taken back (RLS-FHR-283).
        """
        self.tx.contributions.lock([target])
        key = (target.type, target.id)
        before = self.tx.resources.current([key]).get(key)
        parts = self.tx.contributions.load([target]).get(target, ())
        check_owner(parts, before, self.client)
        last = last_word(parts)
        if last is None and not may_be_new:
            raise RejectedError([faults.nothing_to_take_back()])
        return dict(last.resource) if last is not None else {}


def _facts(stay: Json) -> dict[str, Span]:
    """Return what a stay tells, by event; one that never was tells nothing."""
    if stay.get("status") == "entered-in-error":
        return {}
    period = stay.get("period", {})
    found = {event: moment(period.get(edge, "")) for event, edge in _EDGES}
    return {event: when for event, when in found.items() if when is not None}


def _changed(before: dict[str, Span], after: dict[str, Span]) -> tuple[tuple[str, Op, Span], ...]:
    gone = [(event, Op.RETRACT, when) for event, when in before.items() if event not in after]
    new = [(event, Op.ASSERT, when) for event, when in after.items() if before.get(event) != when]
    return (*gone, *new)

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
from gateway.fhir.nde_declared import Declared, moment
from gateway.fhir.written_fold import last_word
from gateway.pipeline import written
from gateway.pipeline.write_checks import check_owner

_MOST = 50
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
            RejectedError: as `_stay` and `_known`.
        """
        said = self.declared
        is_end = said.event == "SOR"
        target = self._stay(is_end=is_end)
        known = self._known(target, may_be_new=not said.is_withdrawn)
        period = dict(known.get("period", {}))
        edge = "end" if is_end else "start"
        status = known.get("status", "")
        if said.is_withdrawn:
            if period.pop(edge, None) is None:
                raise RejectedError([faults.nothing_to_take_back()])
            status = "in-progress" if is_end else "entered-in-error"
        else:
            period[edge] = said.at
            status = "finished" if "end" in period else "in-progress"
        resource: Json = {**self._plain_stay(target), "status": status, "class": _CLASS}
        resource["period"] = period or known.get("period", {})
        op = Op.RETRACT if said.is_withdrawn else Op.ASSERT
        facts = [("ENC.DISCHARGE" if is_end else "ENC.ADMIT", op, said.when)]
        if status == "entered-in-error" and "end" in period:
            facts.append(("ENC.DISCHARGE", Op.RETRACT, said.when))
        return Word(target, resource, tuple(facts))

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
            Condition("patient", "reference", (("Patient", str(self.patient["id"])),)),
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

"""The cancer pathways of the persons of a look, as EpisodeOfCare and CarePlan.

Drawn again at each look from all facts of a person, and written in its transaction when something
is different: so they follow corrections, merges and moved dossiers like gaps do, and a replay
writes nothing. One whose first fact was taken back, or is another's now, is deleted.
What is drawn is `pathway.care`, how it is shown `fhir.care`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from gateway.core.care import Pathway
from gateway.core.contributions import Target
from gateway.core.facts import ExpectationRow, Received, told_of
from gateway.core.ports import StoredResource, Transaction
from gateway.core.timestamps import utc_seconds
from gateway.fhir import care as shown_as
from gateway.fhir.care import PathwayIds, PathwayView
from gateway.fhir.identity import FINESS_SYSTEM, RPPS_SYSTEM, Ids
from gateway.pathway.care import OPENING, pathway_of
from gateway.pathway.cohort import Walked
from gateway.pathway.facts import reduce
from gateway.pipeline import written
from gateway.pipeline.dossiers import owners
from gateway.pipeline.evidence import last_words, shown

_ICD10, _ICDO3 = "http://hl7.org/fhir/sid/icd-10", "http://terminology.hl7.org/CodeSystem/icd-o-3"
#: ICD-10 C00 to C97; behaviour of ICD-O-3: malignant.
_MALIGNANT = tuple(f"C{number:02}" for number in range(98))
_BEHAVIOUR = "/3"

Key = tuple[str, str]
#: Resources that can be read.
Live = Mapping[Key, StoredResource]


class _Begun(NamedTuple):
    """Which gaps are of a pathway: those of its person from its start on."""

    ids: PathwayIds
    start: datetime


@dataclass(frozen=True, slots=True)
class Care:
    """What a look found about the pathways of a cohort.

    Attributes:
        views: the pathways there are.
        keys: EpisodeOfCare and CarePlan of each pathway there is or may have been.
        begun: the pathway of each person that has one.
        regrouped: persons whose gaps are of another pathway than before.
    """

    views: Sequence[PathwayView] = ()
    keys: Sequence[Key] = ()
    begun: Mapping[str, _Begun] = field(default_factory=dict)
    regrouped: frozenset[str] = frozenset()

    def of(self, person_id: str, row: ExpectationRow) -> PathwayIds | None:
        """Return the pathway a gap is of; None when it is of none."""
        begun = self.begun.get(person_id)
        return begun.ids if begun is not None and row.anchor >= begun.start else None


def pathways(
    tx: Transaction, walked: Sequence[Walked], received: Iterable[Received], now: datetime, ids: Ids
) -> Care:
    """Draw the pathways of persons that were looked at.

    Args:
        tx: the transaction of the look.
        walked: what the look found about each person.
        received: every assertion about them.
        now: instant of the look; what was received later is not known yet.
        ids: computed ids of the installation.
    """
    known = [one for one in received if one.at <= now]
    openers = [one for one in known if one.assertion.event in OPENING]
    if not openers:
        return Care()
    views: dict[str, PathwayView] = {}
    for one in walked:
        told = [said for said in known if _holder(said) in one.patients]
        pathway = pathway_of(reduce(told), one.advance.rows)
        if pathway is not None:
            views[one.person_id] = _view(tx, pathway, told, ids)
    keys = _possible(openers, ids)
    begun = {person: _begun(view.pathway, ids) for person, view in views.items()}
    return Care(
        views=tuple(views.values()),
        keys=keys,
        begun=begun,
        regrouped=_regrouped(walked, tx.resources.current(keys), begun),
    )


def write_pathways(tx: Transaction, found: Iterable[Care], now: datetime, ids: Ids) -> int:
    """Write what is different of pathways; return how many versions that is.

    One transaction may look at a cohort twice: what the first look made is there for the second.

    Args:
        tx: the transaction of the look.
        found: pathways of some cohorts.
        now: instant of the commit.
        ids: computed ids of the installation.

    Raises:
        RejectedError: a resource breaks its FHIR shape.
    """
    count = 0
    for care in found:
        made = {
            (resource["resourceType"], resource["id"]): resource
            for view in care.views
            for resource in (
                shown_as.episode_of_care(view, ids),
                shown_as.pathway_plan(view, ids),
            )
        }
        keys = sorted(made.keys() | set(care.keys))
        tx.contributions.lock([Target(*key) for key in keys])
        stored = tx.resources.current(keys)
        for key in keys:
            before = stored.get(key)
            was, resource = written.read(before), made.get(key)
            if was == resource:
                continue
            count += 1
            if resource is not None:
                written.write(tx, Target(*key), resource, before, now)
            elif before is not None:
                written.delete(tx, before, now)
    return count


def _holder(one: Received) -> str:
    return one.assertion.patient.id if one.assertion.patient is not None else ""


def _begun(pathway: Pathway, ids: Ids) -> _Begun:
    episode, plan = shown_as.episode_id(pathway, ids), shown_as.plan_id(pathway, ids)
    return _Begun(PathwayIds(episode, plan), pathway.start)


def _possible(openers: Iterable[Received], ids: Ids) -> list[Key]:
    """Return the resources of every pathway that these facts open, or would open alone."""
    found = set[Key]()
    for one in openers:
        patient, key = told_of(_holder(one))[0], one.assertion.key
        found |= {
            ("EpisodeOfCare", ids.episode(patient, key)),
            ("CarePlan", ids.pathway_plan(patient, key)),
        }
    return sorted(found)


def _regrouped(
    walked: Iterable[Walked],
    stored: Mapping[Key, StoredResource],
    begun: Mapping[str, _Begun],
) -> frozenset[str]:
    """Return the persons whose pathway is not as it is stored: another, or from another day on."""
    were = {
        key[1]: episode["period"]["start"]
        for key, one in stored.items()
        if key[0] == "EpisodeOfCare" and (episode := written.read(one)) is not None
    }
    are = {one.ids.episode: utc_seconds(one.start) for one in begun.values()}
    return frozenset() if were == are else frozenset(one.person_id for one in walked)


def _view(tx: Transaction, pathway: Pathway, told: Sequence[Received], ids: Ids) -> PathwayView:
    """Read what shows a pathway."""
    outcomes = {key for one in pathway.activities for key in one.outcomes}
    documents = last_words(told, set(pathway.documents))
    seen = shown(tx, last_words(told, {*outcomes, *pathway.documents}))
    made = tx.contributions.made_by({one.order for one in documents.values() if one.order > 0})
    inputs = [made.get(documents[key].order, []) for key in pathway.documents if key in documents]
    organization = Target("Organization", ids.organization(FINESS_SYSTEM, pathway.estab))
    manager = Target("Practitioner", ids.practitioner(RPPS_SYSTEM, pathway.author))
    wanted = {organization, manager, *_planned(pathway), *(one for made in inputs for one in made)}
    current = tx.resources.current(sorted((one.type, one.id) for one in wanted))
    live = {key: one for key, one in current.items() if not one.deleted}
    plans = _named("CarePlan", inputs, live)
    return PathwayView(
        pathway=pathway,
        patient=owners(tx, {pathway.holder})[pathway.holder],
        shown=seen,
        live=frozenset("/".join(key) for key in live),
        diagnoses=_diagnoses(inputs, live),
        teams=_named("CareTeam", inputs, live),
        plans=plans,
        done=_done(plans, live),
        # Only a document surely brings its establishment along, whatever else came before.
        organization=_if_live(organization, live) if pathway.documents else "",
        manager=_if_live(manager, live),
    )


def _planned(pathway: Pathway) -> Iterator[Target]:
    for activity in pathway.activities:
        type_, _, id_ = activity.about.partition("/")
        if id_:
            yield Target(type_, id_)


def _if_live(target: Target, live: Live) -> str:
    return f"{target.type}/{target.id}" if (target.type, target.id) in live else ""


def _named(type_: str, inputs: Iterable[Sequence[Target]], live: Live) -> tuple[str, ...]:
    """Return what inputs made of a type and can be read, in their order."""
    found = (_if_live(one, live) for made in inputs for one in made if one.type == type_)
    return tuple(dict.fromkeys(name for name in found if name))


def _done(plans: Iterable[str], live: Live) -> tuple[str, ...]:
    """Return the acts that programmes of care tell as done; a proposal is no programme."""
    found = []
    for name in plans:
        plan = _read(name, live)
        if plan.get("intent") == "plan":
            activities = (one for one in plan.get("activity", ()) if "reference" not in one)
            shown_by = (to for one in activities for to in one.get("outcomeReference", ()))
            found += [str(one["reference"]) for one in shown_by if "reference" in one]
    return tuple(dict.fromkeys(found))


def _diagnoses(inputs: Sequence[Sequence[Target]], live: Live) -> tuple[str, ...]:
    """Return the malignant tumours that the latest document that codes any tells of."""
    for made in reversed(inputs):
        found = [
            one for one in _named("Condition", [made], live) if _is_malignant(_read(one, live))
        ]
        if found:
            return tuple(found)
    return ()


def _read(name: str, live: Live) -> dict[str, Any]:
    type_, _, id_ = name.partition("/")
    resource: dict[str, Any] = orjson.loads(live[type_, id_].body)
    return resource


def _is_malignant(problem: Mapping[str, Any]) -> bool:
    """Tell whether a problem is coded as a malignant tumour."""
    codings = [
        coding
        for concept in (problem.get("code", {}), *problem.get("bodySite", ()))
        for coding in concept.get("coding", ())
    ]
    return any(
        (one.get("system") == _ICD10 and str(one.get("code", "")).startswith(_MALIGNANT))
        or (one.get("system") == _ICDO3 and str(one.get("code", "")).endswith(_BEHAVIOUR))
        for one in codings
    )

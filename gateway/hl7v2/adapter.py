"""A message becomes contributions: plans of its event, keys, movement, versions.

Does not read bytes, judge the message (`hl7v2.intake`) nor open the document it carries
(`hl7v2.envelope`, `cda`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.core.contributions import (
    Contribution,
    Json,
    Kind,
    Mapped,
    Target,
    TraceLine,
    Version,
)
from gateway.core.envelope import INS_ROOTS, Envelope
from gateway.core.errors import RejectedError
from gateway.core.messages import Header
from gateway.fhir.identity import Ids
from gateway.hl7v2 import facts, faults
from gateway.hl7v2.context import Context
from gateway.hl7v2.derived import lone_stay_lines, stay_lines, survivor_lines
from gateway.hl7v2.envelope import document_id, flags, labels, parent_id
from gateway.hl7v2.keys import (
    FLAG_VISIT_FROM_ACCOUNT,
    Identifiers,
    context_of,
    numbers_of_patient,
    traits,
    version_of,
)
from gateway.hl7v2.ledger import Movement
from gateway.hl7v2.message import Message, Node, Segment
from gateway.hl7v2.movement_rows import RANK_OF_ACTION, movement_row, rows_by_stay
from gateway.hl7v2.plans import CONCEPTMAPS, Memory, Part, Plans, compile_plans
from gateway.hl7v2.provenance import provenance
from gateway.hl7v2.results import result_flags
from gateway.hl7v2.zbe import with_repaired_zbe
from gateway.mapping.engine import Result
from gateway.mapping.sites import Site

__all__ = [
    "CONCEPTMAPS",
    "REFRESH",
    "Plans",
    "add_provenance",
    "compile_plans",
    "contribute",
    "envelope",
    "traits",
]

MOVEMENT = "segments/ZBE.movement"
REPLACED = "segments/TXA.replaced"
#: What is said of a resource that another input makes.
_ANNOTATIONS = frozenset({REPLACED, "segments/TXA.withdrawn", "segments/MRG.moved_account"})
#: Records that give way: the Patient of the message then shows their numbers.
_GIVING_WAY = frozenset({"segments/MRG.merged", "segments/MRG.renumbered"})
#: What results repeat of their order: it only fills what nobody said.
_DESCRIBED = "segments/OBR.described"

#: What messages other than ADT only create when it is missing.
_BACKGROUND = frozenset({"Patient", "Encounter", "Account", "DocumentReference"})
#: A08, which no French profile has: an identity update that also repeats the stay. It fills and
#: refreshes what is there; it removes nothing of the stay, moves nobody and closes no account.
REFRESH = "A08"
_OF_VISIT = frozenset({"Encounter", "Account"})
_FILLS = frozenset({"segments/PV1.visit", "segments/PID.account"})
_INS_SYSTEMS = frozenset(f"urn:oid:{root}" for root in INS_ROOTS)


def contribute(
    message: Message,
    plans: Plans,
    site: Site,
    ids: Ids,
    *,
    header: Header,
    cda_identifiers: Identifiers = (),
    test_ins: bool = False,
    trace: bool = False,
) -> Mapped:
    """Return what a message says about resources and pathway, its Provenance not included.

    Args:
        message: as read and judged.
        plans: from `compile_plans`.
        site: of the sender.
        ids: of the installation.
        header: of the input.
        cda_identifiers: (root, extension) pairs of the patient in the document it carries.
        test_ins: whether INS of the test and demonstration authorities are accepted.
        trace: keep where each value comes from.

    Raises:
        RejectedError: no resource can be made of it.
    """
    name = f"{message.message_type}_{message.trigger_event}"
    parts = plans.by_event.get(name)
    if parts is None:
        raise RejectedError([faults.no_mapping("MSH-9")])
    repaired = with_repaired_zbe(message)
    context = context_of(
        repaired,
        site,
        ids,
        cda_identifiers=cda_identifiers,
        test_ins=test_ins,
        units=plans.units,
        identity_words=plans.identity_words,
    )
    mapped = Mapped(flags=[flag for flag in repaired.flags if flag not in message.flags])
    if context.results.of_order:
        mapped.flags += result_flags(message)
    results = _run(parts, plans, context, trace=trace)
    _report(results, context, mapped)
    row = _movement(results, context, mapped)
    _collect(results, context, header, mapped, row)
    mapped.feed = facts.feed(context)
    mapped.assertions = facts.assertions(plans.facts[name], context, row, header, plans.kinds)
    return mapped


_Made = tuple[Part, Result]


def _run(parts: Sequence[Part], plans: Plans, context: Context, *, trace: bool) -> list[_Made]:
    message, local = context.message, context.site.local_codes or None
    memory = None if trace else plans.memory_of(context)
    values = None if memory is None else memory.values
    made: list[_Made] = []
    for part in parts:
        scopes: Sequence[Any] = (message,) if part.each is None else part.each(message)
        for scope in scopes:
            # What a segment makes may depend on its neighbours: only a field is remembered.
            known = part.kind is Kind.SHARED and not isinstance(scope, Segment)
            if memory is not None and known:
                results = _remembered(part, memory, scope, context)
            else:
                results = part.plan.run(scope, context, trace=trace, local=local, known=values)
            for result in results:
                made.append((part, result))
    return made


def _remembered(part: Part, memory: Memory, scope: Any, context: Context) -> list[Result]:
    """Make a shared resource once for all messages that say the same about it."""
    key = (part.name, scope.raw if isinstance(scope, Node) else "")
    found = memory.resources.get(key)
    if found is None:
        found = part.plan.run(scope, context, local=context.site.local_codes or None)
        memory.resources[key] = found
    return found


def _report(made: Sequence[_Made], context: Context, mapped: Mapped) -> None:
    """Gather what is wrong; refuse the message when something that is required is."""
    issues = [issue for _, result in made for issue in result.issues]
    refused = [issue for issue in issues if issue.severity.refuses]
    if refused:
        raise RejectedError(refused)
    mapped.issues += issues
    if not context.patient.ins_vouched and any(map(_carries_ins, made)):
        mapped.issues.append(faults.ins_withheld("PID-32"))
    if context.visit is not None and not context.message.value("PV1-19"):
        mapped.flags.append(FLAG_VISIT_FROM_ACCOUNT)


def _carries_ins(made: _Made) -> bool:
    resource = made[1].resource
    return resource["resourceType"] == "Patient" and any(
        item["system"] in _INS_SYSTEMS for item in resource.get("identifier", ())
    )


def _collect(
    made: Sequence[_Made],
    context: Context,
    header: Header,
    mapped: Mapped,
    row: Movement | None,
) -> None:
    """Turn results into contributions, each resource of the message said once."""
    version = version_of(context.recorded, header, RANK_OF_ACTION[context.action])
    rows = rows_by_stay(row, context)
    seen: dict[Target, list[Json]] = {}
    for part, result in made:
        if part.name == MOVEMENT:
            continue
        resource = result.resource
        target = Target(resource["resourceType"], resource["id"])
        earlier = seen.get(target)
        if result.trace:
            mapped.trace += result.trace
        if earlier is None:
            earlier = seen[target] = []
        elif any(resource.items() <= other.items() for other in earlier):
            continue
        elif part.name == REPLACED:
            # Only its confidentiality changes: a document does not replace itself.
            continue
        if result.trace:
            mapped.trace += _derived_lines(part, target, row, context)
        annotates = part.name in _ANNOTATIONS or _is_word(target, context)
        refreshes = context.event == REFRESH and target.type in _OF_VISIT
        mapped.contributions.append(
            Contribution(
                target=target,
                version=version if annotates else _version(part, target, version, context),
                resource=resource,
                ordinal=len(earlier),
                removals=() if refreshes else result.removals,
                annotates=annotates,
                kind=part.kind,
                movement=rows[target.id].to_json() if target.id in rows else None,
            )
        )
        earlier.append(resource)


def _is_word(target: Target, context: Context) -> bool:
    """Tell whether a contribution is for whoever bears the INS that the message gives up."""
    return bool(context.patient.spoken_in) and target == Target("Patient", context.patient.id)


def _derived_lines(
    part: Part, target: Target, row: Movement | None, context: Context
) -> list[TraceLine]:
    """Return where the values come from that the fold adds to what a part says."""
    lines: list[TraceLine] = []
    if part.name in _GIVING_WAY:
        lines += survivor_lines(context.patient.id)
    if target.type == "Encounter" and row is None:
        lines += lone_stay_lines(target.id)
    return lines


def _version(part: Part, target: Target, version: Version, context: Context) -> Version:
    """Return the weight of what is said: in the background it only fills what nobody said."""
    if context.event == REFRESH:
        weak = part.name in _FILLS
    else:
        weak = part.name == _DESCRIBED or (context.kind != "ADT" and target.type in _BACKGROUND)
    return version.background() if weak else version


def _movement(made: Sequence[_Made], context: Context, mapped: Mapped) -> Movement | None:
    """Return the row of the ledger, None for a message that tells no movement."""
    found = next((result for part, result in made if part.name == MOVEMENT), None)
    if found is None or context.visit is None:
        return None
    said = {key: value for key, value in found.resource.items() if key != "resourceType"}
    row, flags = movement_row(context, context.visit, said)
    mapped.flags += flags
    if found.trace:
        name = f"Encounter/{row.id}"
        mapped.trace += [replace(line, resource=name) for line in found.trace]
        for stay, told in rows_by_stay(row, context).items():
            mapped.trace += stay_lines(stay, told.id)
    return row


def envelope(
    message: Message,
    site: Site,
    ids: Ids,
    *,
    cda_identifiers: Identifiers = (),
    test_ins: bool = False,
) -> Envelope:
    """Return the message's word on the document inside it.

    Args:
        message: as read and judged, an MDM or ORU.
        site: of the sender.
        ids: of the installation.
        cda_identifiers: (root, extension) pairs of the patient in the document.
        test_ins: whether INS of the test and demonstration authorities are accepted.

    Raises:
        RejectedError: no Patient can be named, or a flag cannot be understood.
    """
    context = context_of(message, site, ids, cda_identifiers=cda_identifiers, test_ins=test_ins)
    visit, establishment = context.visit, context.establishment
    return Envelope(
        patient=Target("Patient", context.patient.id),
        identifiers=numbers_of_patient(message),
        traits=traits(message),
        ins_vouched=context.patient.ins_vouched,
        stay=Target("Encounter", visit.id) if visit else None,
        establishment=Target("Organization", establishment) if establishment else None,
        finess=context.finess,
        visit=visit.number if visit else "",
        feed=facts.feed(context),
        document_id=document_id(message),
        replaces=parent_id(message),
        labels=labels(message),
        type_code=message.value("TXA-2.1") or message.value("OBR-4.1"),
        sent_at=message.value("MSH-7"),
        needs_ins=flags(message).get("DESTDMP", False),
    )


def add_provenance(
    contributions: list[Contribution], message: Message, header: Header, ids: Ids
) -> None:
    """Append the Provenance of all contributions of a message, documents included."""
    made = provenance(contributions, message, header, ids)
    if made is not None:
        contributions.append(made)

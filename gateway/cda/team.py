"""The team a document names around a patient: one CareTeam for all versions of the document.

Does not decide who is to be told of anything. CI-SIS volet Structuration minimale (participant,
informationRecipient, informant, serviceEvent/performer); CANCER-PPS, roles of the participants.
"""

from typing import Any, NamedTuple

from gateway.cda.codes import concept, original_text, referenced_text
from gateway.cda.contacts import address, period, person_name, telecom
from gateway.cda.context import Context
from gateway.cda.people import Relative, related_person_id, relatives, shown_name
from gateway.cda.professionals import entity
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.structures import organization_of, organization_reference, person_of
from gateway.core.contributions import Json
from gateway.core.issues import Issue
from gateway.core.systems import FHIR_BASE, IDENTIFIER_BASE
from gateway.mapping.converters import Flawed

#: On a member of the team: what the document says of their part in words.
NOTE = f"{FHIR_BASE}/StructureDefinition/care-team-participant-note"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_ROLE_CLASS = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"
#: What the element itself means, where it has no typeCode of its own (CDA R2).
_DEFAULTS = {"informationRecipient": "PRCP", "informant": "INF", "performer": "PRF"}
_ENTITIES = ("associatedEntity", "intendedRecipient", "assignedEntity")
_SOURCES = (
    "cda:participant",
    "cda:documentationOf/cda:serviceEvent/cda:performer",
    "cda:informationRecipient",
    "cda:informant",
)


class _Team(NamedTuple):
    """Everybody a header names, made once for the rules that need it.

    Attributes:
        members: in the order of the header, by what tells them apart.
        contained: those without number, by what is said of them.
        issues: what is wrong with them.
    """

    members: dict[str, Json]
    contained: dict[str, Json]
    issues: list[Issue]


def _team(context: Context) -> _Team:
    place = ("care team", "")
    if place not in context.memo:
        team = context.memo[place] = _Team({}, {}, [])
        for path in _SOURCES:
            for one in context.document.select(path):
                made = _member(one, context, team)
                if made is not None:
                    _join(team.members, made)
        for relative in relatives(context.document, context):
            _join(team.members, _relative(relative, context, team.issues))
    found: _Team = context.memo[place]
    return found


@converter("care_team_id")
def care_team_id(_node: Node, context: Context) -> str | None:
    """Give the id of the team, of the setId; none for a document that names nobody."""
    return context.ids.care_team(context.set_key) if _team(context).members else None


@converter("care_team_reference")
def care_team_reference(node: Node, context: Context) -> Json | None:
    """Give a reference to the team."""
    found = care_team_id(node, context)
    return {"reference": f"CareTeam/{found}"} if found else None


@converter("care_team_identifier")
def care_team_identifier(_node: Node, context: Context) -> Json:
    """Give the identifier of the team, the same for all versions of the document."""
    return {"system": f"{IDENTIFIER_BASE}/care-team", "value": context.set_key}


@converter("care_team_contained")
def care_team_contained(_node: Node, context: Context) -> list[Json]:
    """Give those who have no number but can be reached: how they are reached is not lost.

    Spec: FHIR R4 2.1.5.1, contained resources: what has no identity of its own.
    """
    return list(_team(context).contained.values())


@converter("care_team_members")
def care_team_members(_node: Node, context: Context) -> Any:
    """Give everybody the header names beside those who wrote and signed, each once.

    The roles of one member that is named several times are joined.

    Spec: CI-SIS Structuration minimale, participant, performer, informationRecipient, informant.
    """
    team = _team(context)
    members = list(team.members.values())
    return Flawed(members, tuple(team.issues)) if team.issues else members


def _join(members: dict[str, Json], made: Json) -> None:
    """Add a member, or their roles to the same member of the same period and note."""
    key = repr({name: value for name, value in made.items() if name != "role"})
    known = members.setdefault(key, made)
    if known is not made:
        roles = known.get("role", [])
        known["role"] = [*roles, *(role for role in made.get("role", ()) if role not in roles)]


def _plain(made: Any, issues: list[Issue]) -> Json | None:
    """Return the value of a converter, and note what is wrong about it."""
    if not isinstance(made, Flawed):
        found: Json | None = made
        return found
    issues += made.issues
    value: Json | None = made.value
    return value


def _member(node: Node, context: Context, team: _Team) -> Json | None:
    issues = team.issues
    who = next((one for name in _ENTITIES if (one := node.child(name)) is not None), None)
    member = entity(who, context) if who is not None else None
    if who is None or member is None:
        return None
    found: Json = {}
    if note := _note(node):
        found["extension"] = [{"url": NOTE, "valueString": note}]
    if roles := _roles(node, who, member, context, issues):
        found["role"] = roles
    found["member"] = _reachable(who, member, context, team)
    structure = _on_behalf_of(who, member, context, team)
    if structure is not None:
        found["onBehalfOf"] = structure
    time = node.child("time")
    span = _plain(period(time, context), issues) if time is not None else None
    if span:
        found["period"] = span
    return found


def _reachable(who: Node, member: Json, context: Context, team: _Team) -> Json:
    """Return a member who has no number as one the team contains, if there is a way to them."""
    own, name = organization_of(who), person_of(who)
    if name is None:
        return _contained(member, {"resourceType": "Organization", "name": member.get("display")},
                          [who, own], context, team)  # fmt: skip
    person = {"resourceType": "Practitioner", "name": [person_name(name, context)]}
    return _contained(member, person, [who], context, team)


def _contained(
    reference: Json, made: Json, places: list[Node | None], context: Context, team: _Team
) -> Json:
    """Return a reference to somebody without number whom the team contains; else as it was."""
    if "reference" in reference:
        return reference
    found = [place for place in places if place is not None]
    telecoms = [telecom(item, context) for place in found for item in place.children("telecom")]
    homes = [address(item, context) for place in found for item in place.children("addr")]
    reach = {"telecom": [one for one in telecoms if one], "address": [one for one in homes if one]}
    if not any(reach.values()):
        return reference
    made = {**made, **{key: values for key, values in reach.items() if values}}
    own_id = {"resourceType": made["resourceType"], "id": f"m{len(team.contained) + 1}"}
    known = team.contained.setdefault(repr(made), own_id | made)
    return {"reference": f"#{known['id']}", **reference}


def _roles(
    node: Node, who: Node, member: Json, context: Context, issues: list[Issue]
) -> list[Json]:
    """Return the part somebody takes, the function, and a profession that nothing else carries."""
    kind = node.get("typeCode") or _DEFAULTS.get(node.name, "")
    roles: list[Json] = [{"coding": [{"system": _PARTICIPATION, "code": kind}]}] if kind else []
    function, profession = node.child("functionCode"), who.child("code")
    if function is not None:
        # The words beside the code are a note about this member, not the name of the function.
        made = _plain(concept(function, context), issues)
        if made and "coding" in made:
            shown = function.get("displayName")
            roles.append({"coding": made["coding"], **({"text": shown} if shown else {})})
    has_role = str(member.get("reference", "")).startswith("PractitionerRole/")
    if profession is not None and not has_role:
        made = _plain(concept(profession, context), issues)
        roles += [made] if made else []
    return roles


def _note(node: Node) -> str:
    """Return the comment beside the function of a participant, a text or an address."""
    function = node.child("functionCode")
    if function is None:
        return ""
    return original_text(function) or referenced_text(function)


def _on_behalf_of(who: Node, member: Json, context: Context, team: _Team) -> Json | None:
    """Return the structure somebody acts for, unless the member itself says it.

    Spec: FHIR R4 CareTeam ctm-1: only beside a Practitioner.
    """
    structure = organization_of(who)
    is_said = str(member.get("reference", "")).startswith(("PractitionerRole/", "Organization/"))
    if structure is None or is_said or person_of(who) is None:
        return None
    found: Json | None = organization_reference(structure, context)
    if found is None:
        return None
    named = {"resourceType": "Organization", "name": found.get("display")}
    return _contained(found, named, [structure], context, team)


def _relative(relative: Relative, context: Context, issues: list[Issue]) -> Json:
    """Return a relative: the personne de confiance is a RelatedPerson, others a name."""
    member: Json = {"display": shown_name(relative.name)}
    known = related_person_id(relative.trusted, context) if relative.trusted is not None else None
    if known:
        member = {"reference": f"RelatedPerson/{known}"}
    codes = dict.fromkeys(relative.roles)
    roles: list[Json] = [{"coding": [{"system": _ROLE_CLASS, "code": code}]} for code in codes]
    for tie in relative.relations:
        kind = _plain(concept(tie, context), issues)
        if kind and kind not in roles:
            roles.append(kind)
    return {"role": roles, "member": member}

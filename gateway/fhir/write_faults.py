"""What can be wrong with a write over REST (FHIR R4 http 3.1.0); no text names a value."""

from collections.abc import Sequence

from gateway.core.issues import Issue, Severity
from gateway.fhir.writable import WRITABLE, why_not


def _issue(code: str, where: str, what: str, fix: str) -> Issue:
    return Issue(code=code, severity=Severity.ERROR, where=where, what=what, fix=fix)


def unreadable(why: str) -> Issue:
    """Say that the body is no resource that can be read."""
    return _issue(
        "RLS-FHR-240",
        "http.body",
        f"the body cannot be read: {why}.",
        "Send one FHIR resource as JSON or XML, in UTF-8.",
    )


def other_type() -> Issue:
    """Say that body and address name two types."""
    return _issue(
        "RLS-FHR-241",
        "http.body",
        "the resource is of another type than the address, or of none.",
        "Send it to the address of its own type.",
    )


def other_id() -> Issue:
    """Say that body and address name two resources."""
    return _issue(
        "RLS-FHR-242",
        "http.body",
        "the id in the body is not that of the address, or is missing.",
        "Write the same id in both.",
    )


def not_written(type_: str) -> Issue:
    """Say that clients do not write a type, and who does."""
    return _issue(
        "RLS-FHR-243",
        "http.method",
        f"clients do not write {type_}: {why_not(type_)}.",
        f"Write {', '.join(WRITABLE)} or Subscription; read the others.",
    )


def not_yours(whose: str) -> Issue:
    """Say that somebody else speaks for a resource."""
    return _issue(
        "RLS-FHR-244",
        "http.path",
        f"this resource is not the client's to write: {whose}.",
        "Write a resource of your own that points to it; whoever told it corrects it.",
    )


def unknown() -> Issue:
    """Say that there is no such resource to change."""
    return _issue(
        "RLS-FHR-245",
        "http.path",
        "there is no such resource, or it is deleted.",
        "Create it first, or search for its id.",
    )


def id_not_chosen(type_: str) -> Issue:
    """Say that the server chooses the ids of a type."""
    return _issue(
        "RLS-FHR-246",
        "http.path",
        f"a {type_} is not created under an id of the client's choice.",
        "Create it with POST; find it again with a search for an identifier of your own.",
    )


def telling_id() -> Issue:
    """Say that an id betrays a person."""
    return _issue(
        "RLS-FHR-247",
        "http.path",
        "the id holds a number as long as a national health identity.",
        "Choose an id that tells nothing of a person, such as a UUID.",
    )


def no_version() -> Issue:
    """Say that an update does not say what it is based on."""
    return _issue(
        "RLS-FHR-248",
        "http.If-Match",
        "the request does not say which version it is based on.",
        'Read the resource and send its ETag: If-Match: W/"n".',
    )


def changed_meanwhile() -> Issue:
    """Say that another version is stored than the one the client knew."""
    return _issue(
        "RLS-FHR-249",
        "http.If-Match",
        "the resource has changed since it was read, or is not there.",
        "Read it again, do the change on what it says now, and send it with the new ETag.",
    )


def several(where: str) -> Issue:
    """Say that the criteria of a conditional write fit more than one resource."""
    return _issue(
        "RLS-FHR-250",
        where,
        "more than one resource meets the criteria.",
        "Search with them, and write to the id of the one that is meant.",
    )


def no_criteria(where: str) -> Issue:
    """Say that a conditional write has no criteria that select something."""
    return _issue(
        "RLS-FHR-251",
        where,
        "a conditional write needs criteria that select resources, and nothing else.",
        "Write it as identifier=system|value, with search parameters of the type only.",
    )


def nothing_there(where: str) -> Issue:
    """Say that a reference leads to nothing."""
    return _issue(
        "RLS-FHR-252",
        where,
        "the reference points to a resource that is not here, or is deleted.",
        "Correct it, create its target first or in the same transaction, or refer by identifier.",
    )


def not_one_match(where: str) -> Issue:
    """Say that a conditional reference does not find exactly one resource."""
    return _issue(
        "RLS-FHR-253",
        where,
        "the criteria of the reference do not find exactly one resource.",
        "Search with them, and refer to the id of the one that is meant.",
    )


def dangling(where: str) -> Issue:
    """Say that a local reference has no entry."""
    return _issue(
        "RLS-FHR-254",
        where,
        "the reference is to an entry of the Bundle, and no entry has this fullUrl.",
        "Give the entry a fullUrl such as urn:uuid:… and refer to it by that.",
    )


def same_resource(places: Sequence[str]) -> Issue:
    """Say that two entries of a transaction change one resource."""
    return _issue(
        "RLS-FHR-255",
        places[-1],
        f"{' and '.join(places)} are about the same resource.",
        "Put all that changes a resource into one entry.",
    )


def bad_entry(where: str, why: str) -> Issue:
    """Say that an entry cannot be understood."""
    return _issue(
        "RLS-FHR-256",
        where,
        f"the entry cannot be carried out: {why}.",
        "Give each entry request.method, request.url as for a request of its own, and a resource "
        "where one is written.",
    )


def not_a_bundle() -> Issue:
    """Say that what was sent to the root of the server is no transaction and no batch."""
    return _issue(
        "RLS-FHR-257",
        "http.body",
        "this address takes a Bundle of type transaction or batch.",
        "Send one, or send the resource to the address of its type.",
    )


def too_many_entries(most: int) -> Issue:
    """Say that a Bundle has more entries than one request may."""
    return _issue(
        "RLS-FHR-258",
        "Bundle.entry",
        f"the Bundle has more than {most} entries.",
        "Split it; what must be written together fits into one transaction.",
    )


def bad_narrative(where: str) -> Issue:
    """Say that a narrative is no XHTML."""
    return _issue(
        "RLS-FHR-259",
        where,
        "the narrative is no XHTML div with something to read in it.",
        "Send well-formed XHTML in its namespace, or none.",
    )


def bad_patch(where: str, why: str) -> Issue:
    """Say that a patch is not one."""
    return _issue(
        "RLS-FHR-260",
        where,
        f"the patch cannot be understood: {why}.",
        "Send a list of operations (RFC 6902) as application/json-patch+json, or Parameters with "
        "`operation` (FHIRPath Patch).",
    )


def patch_failed(where: str, why: str) -> Issue:
    """Say that an operation of a patch cannot be done on the resource as it is."""
    return _issue(
        "RLS-FHR-261",
        where,
        f"the operation cannot be done: {why}.",
        "Read the resource and correct the operation; nothing of the patch was done.",
    )


def reserved_identifier(where: str) -> Issue:
    """Say that a client uses an identifier that Relais gives."""
    return _issue(
        "RLS-FHR-262",
        where,
        "identifiers of this system are given by Relais alone.",
        "Use an identifier system of your own.",
    )


def is_there() -> Issue:
    """Say that a resource that must not be there is."""
    return _issue(
        "RLS-FHR-263",
        "http.If-None-Match",
        "the resource is there already.",
        "Leave If-None-Match out to replace it.",
    )


def wrong_charset() -> Issue:
    """Say that a body is in another character set than UTF-8."""
    return _issue(
        "RLS-FHR-264",
        "http.Content-Type",
        "bodies of FHIR are in UTF-8.",
        "Send the body in UTF-8.",
    )


def no_input(why: str) -> Issue:
    """Say that there is nothing to convert."""
    return _issue(
        "RLS-FHR-265",
        "http.body",
        f"there is no input to convert: {why}.",
        "Send the message or document itself with its media type, or a Binary with contentType and "
        "data.",
    )


def not_a_message(why: str) -> Issue:
    """Say that a body is no FHIR message."""
    return _issue(
        "RLS-FHR-266",
        "http.body",
        f"this is no message that can be answered: {why}.",
        "Send a Bundle of type message whose first entry is a MessageHeader with an id.",
    )


def unknown_event() -> Issue:
    """Say that a message tells of an event that is not understood."""
    return _issue(
        "RLS-FHR-267",
        "MessageHeader.eventCoding",
        "messages of this event are not understood.",
        "Send the event that /fhir/metadata lists under messaging.",
    )


def bad_focus(where: str, why: str) -> Issue:
    """Say that a message does not name what it tells."""
    return _issue(
        "RLS-FHR-268",
        where,
        f"the message does not say what it tells: {why}.",
        "Put each resource that is told into an entry, with an identifier, and name it in focus.",
    )


def not_in_a_transaction() -> Issue:
    """Say that a Subscription is no part of a transaction."""
    return _issue(
        "RLS-FHR-269",
        "http.path",
        "a Subscription is not written in a transaction: it counts once its endpoint has answered,"
        " which the other entries cannot wait for.",
        "Send it alone to /fhir/Subscription, or as an entry of a batch.",
    )

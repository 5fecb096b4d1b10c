"""Why a Subscription of the volet Notification d'événements is refused, one issue per fault."""

from collections.abc import Sequence

from gateway.core.issues import Issue, Severity


def missing(name: str) -> Issue:
    """Say that an extension is not there exactly once."""
    return Issue(
        code="RLS-FHR-270",
        severity=Severity.ERROR,
        where="Subscription.extension",
        what=f"the extension {name} of nde-subscription is not there once with its value.",
        fix="Send start, subject, declarant, event-type and subscriber, each once.",
    )


def unknown_event(known: Sequence[str]) -> Issue:
    """Say that no topic means this type of event."""
    return Issue(
        code="RLS-FHR-271",
        severity=Severity.ERROR,
        where="Subscription.criteria",
        what="nothing is told here of this type of event (TRE_R254).",
        fix=f"Ask for one of {', '.join(known)}.",
    )


def other_event() -> Issue:
    """Say that criteria and extension name two types of events."""
    return Issue(
        code="RLS-FHR-272",
        severity=Severity.ERROR,
        where="Subscription.criteria",
        what="the type of event is not that of the extension event-type.",
        fix="Send the same code in both.",
    )


def nobody() -> Issue:
    """Say that the person is not named by an identifier."""
    return Issue(
        code="RLS-FHR-273",
        severity=Severity.ERROR,
        where="Subscription.extension",
        what="the contained patient has no identifier with a system to be followed by.",
        fix="Send the INS, or the number of the person in an establishment, with its system.",
    )


def unknown_criteria() -> Issue:
    """Say that a parameter would be without effect."""
    return Issue(
        code="RLS-FHR-274",
        severity=Severity.ERROR,
        where="Subscription.criteria",
        what="it has a parameter besides event-type and subject.identifier.",
        fix="Leave it out.",
    )


# --- flux 3: an event that is declared ------------------------------------------------------------


def not_declared(element: str, why: str) -> Issue:
    """Say that a declaration is not of the profile nde-eventdeclaration."""
    return Issue(
        code="RLS-FHR-275",
        severity=Severity.ERROR,
        where=f"CommunicationRequest.{element}",
        what=f"{why}, as nde-eventdeclaration asks for.",
        fix="Send event-type, event-time, subject, requester and payload once, the two contained.",
    )


def no_such_event() -> Issue:
    """Say that the type of event is none of the value set."""
    return Issue(
        code="RLS-FHR-276",
        severity=Severity.ERROR,
        where="CommunicationRequest.extension(event-type)",
        what="it has not one code of JDV_J46 (system TRE_R254).",
        fix="Send one code of JDV_J46-TypeEvenementNotification-CISIS with the system TRE_R254.",
    )


def event_not_taken(known: Sequence[str]) -> Issue:
    """Say that nothing here follows this type of event."""
    return Issue(
        code="RLS-FHR-277",
        severity=Severity.ERROR,
        where="CommunicationRequest.extension(event-type)",
        what="nothing here follows this type of event.",
        fix=f"Declare {', '.join(known)}; the other types are for other systems.",
    )


def no_declarant(why: str) -> Issue:
    """Say that a client does not speak for the establishment."""
    return Issue(
        code="RLS-FHR-278",
        severity=Severity.ERROR,
        where="CommunicationRequest.requester",
        what=f"{why}.",
        fix="Name the client and its establishments in nde.declarants, and the FINESS of one of "
        "them as identifier of the requester.",
    )


def not_one_person(count: int) -> Issue:
    """Say that the numbers are nobody's here, or those of several."""
    return Issue(
        code="RLS-FHR-279",
        severity=Severity.ERROR,
        where="CommunicationRequest.subject",
        what="nobody here has these identifiers."
        if not count
        else "the identifiers are those of several persons here.",
        fix="Send the INS, or the number of the person in an establishment that is known here.",
    )


def other_traits(name: str) -> Issue:
    """Say that the person of these numbers has other traits."""
    return Issue(
        code="RLS-FHR-280",
        severity=Severity.ERROR,
        where=f"CommunicationRequest.subject, Patient.{name}",
        what="the person with these identifiers has another one.",
        fix="Look at the identity: the number or the traits are those of somebody else.",
    )


def tells_itself(feed: str) -> Issue:
    """Say that the establishment's own messages tell such events."""
    return Issue(
        code="RLS-FHR-281",
        severity=Severity.ERROR,
        where="CommunicationRequest.requester",
        what=f"this establishment tells such events by its own messages ({feed}).",
        fix="Send nothing: the message tells it. An event told twice would be told on twice.",
    )


def no_stay(count: int) -> Issue:
    """Say that the stay a discharge ends cannot be told."""
    return Issue(
        code="RLS-FHR-282",
        severity=Severity.ERROR,
        where="CommunicationRequest.encounter",
        what="no stay that was declared for this person is open."
        if not count
        else "several declared stays of this person are open.",
        fix="Declare the admission first, or name the stay in encounter.identifier in both.",
    )


def nothing_to_take_back() -> Issue:
    """Say that what is withdrawn was never declared here."""
    return Issue(
        code="RLS-FHR-283",
        severity=Severity.ERROR,
        where="CommunicationRequest.status",
        what="no such event was declared here.",
        fix="Withdraw it with the type, time, person and stay it was declared with.",
    )


def still_to_come() -> Issue:
    """Say that the event has not happened yet."""
    return Issue(
        code="RLS-FHR-284",
        severity=Severity.ERROR,
        where="CommunicationRequest.extension(event-time)",
        what="it is more than an hour from now: the event has not happened yet.",
        fix="Declare it once it happened; look at the clock of the sender.",
    )


def stay_of_another() -> Issue:
    """Say that the stay of this number was declared for somebody else."""
    return Issue(
        code="RLS-FHR-285",
        severity=Severity.ERROR,
        where="CommunicationRequest.encounter",
        what="the stay with this number was declared for another person.",
        fix="Send the number of this person's stay; withdraw what was declared for the other.",
    )

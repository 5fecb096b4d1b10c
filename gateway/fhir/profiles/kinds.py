"""What can be wrong with a resource as a profile sees it, each kind under its code."""

from dataclasses import dataclass

from gateway.core.issues import Issue, Severity


@dataclass(frozen=True, slots=True)
class ProfileFinding:
    """One finding about a resource.

    Attributes:
        issue: code, severity, place (FHIRPath), what, fix; never a value of the resource.
        profile: canonical of the profile that asks for it; empty for a lint of ours.
        element: id of the element in that profile; empty when it is about none.
    """

    issue: Issue
    profile: str = ""
    element: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    Attributes:
        code: `RLS-FHR-2nn`.
        severity: unless a profile says otherwise.
        what: sentence with the words of `at` in braces.
        fix: the same.
    """

    code: str
    severity: Severity
    what: str
    fix: str

    def at(
        self,
        where: str,
        *,
        profile: str = "",
        element: str = "",
        severity: Severity | None = None,
        **words: str,
    ) -> ProfileFinding:
        """Return a finding of this kind at a place."""
        issue = Issue(
            self.code,
            severity or self.severity,
            where,
            self.what.format(element=element, **words),
            self.fix.format(element=element, **words),
        )
        return ProfileFinding(issue, profile, element)


_ERROR, _WARNING, _INFORMATION = Severity.ERROR, Severity.WARNING, Severity.INFORMATION

TOO_FEW = Kind(
    "RLS-FHR-201",
    _ERROR,
    "{element} needs at least {least}, and there is {count}.",
    "Give the element.",
)
TOO_MANY = Kind(
    "RLS-FHR-202",
    _ERROR,
    "{element} may be there {most} times at most, and is there {count} times.",
    "Leave out what is too many; an element of 0 must not be there at all.",
)
FIXED = Kind(
    "RLS-FHR-203",
    _ERROR,
    "the value is not the one that {element} fixes.",
    "Write exactly the fixed value, with nothing beside it.",
)
PATTERN = Kind(
    "RLS-FHR-204",
    _ERROR,
    "the value does not hold what the pattern of {element} says.",
    "Write every part of the pattern, display texts included.",
)
WRONG_TYPE = Kind(
    "RLS-FHR-205",
    _ERROR,
    "{element} may be {allowed}, not {type}.",
    "Give a value of an allowed type.",
)
CLOSED = Kind(
    "RLS-FHR-206",
    _ERROR,
    "the value belongs to no slice of {element}, and no other is allowed.",
    "Write the value as one of the slices says, or leave it out.",
)
REQUIRED_CODE = Kind(
    "RLS-FHR-207",
    _ERROR,
    "the code is not in the value set {value_set}, which is required.",
    "Use a code of that value set, with its system.",
)
EXTENSIBLE_CODE = Kind(
    "RLS-FHR-208",
    _WARNING,
    "no code is of the value set {value_set}, which is to be used where it has the meaning.",
    "Use a code of that value set when one fits; else the warning may stand.",
)
NOT_CHECKABLE = Kind(
    "RLS-FHR-209",
    _INFORMATION,
    "whether the code is in {value_set} cannot be told: not every list it takes from is loaded.",
    "Load the package that has it (`relais packages add`), to have it judged.",
)
INVARIANT = Kind(
    "RLS-FHR-210",
    _ERROR,
    "the invariant {key} does not hold: {human}",
    "Change the resource so that the rule holds.",
)
NOT_EVALUATED = Kind(
    "RLS-FHR-211",
    _INFORMATION,
    "the invariant {key} could not be evaluated.",
    "Judge the resource with the official validator as well (`make conformance`).",
)
TARGET = Kind(
    "RLS-FHR-212",
    _ERROR,
    "the reference points to {type}, and {element} wants {allowed}.",
    "Refer to a resource of an allowed type and profile.",
)
UNKNOWN_PROFILE = Kind(
    "RLS-FHR-213",
    _WARNING,
    "the profile {profile_name} is not loaded, so that nothing was judged by it.",
    "Load its package (`relais packages add`), or do not claim it.",
)
OTHER_TYPE = Kind(
    "RLS-FHR-214",
    _ERROR,
    "the profile {profile_name} is about {type}.",
    "Claim a profile of the type of the resource.",
)
UNKNOWN_EXTENSION = Kind(
    "RLS-FHR-215",
    _INFORMATION,
    "the definition of an extension is not loaded, so that it was not judged.",
    "Load its package (`relais packages add`), to have it judged.",
)
WRONG_CONTEXT = Kind(
    "RLS-FHR-216",
    _ERROR,
    "the extension {profile_name} is not made for this place.",
    "Put it on an element that its definition names.",
)
NO_FIT = Kind(
    "RLS-FHR-217",
    _ERROR,
    "the value meets none of the profiles of {element}: {allowed}.",
    "Make it valid against one of them.",
)
DISPLAY_TRAP = Kind(
    "RLS-FHR-221",
    _WARNING,
    "an identifier falls out of its slice: FR Core recognises {code} by its display too.",
    "Write the display exactly as the pattern of FR Core has it.",
)
VERSIONED = Kind(
    "RLS-FHR-222",
    _WARNING,
    "meta.profile names a version; receivers of another version do not recognise it.",
    "Write the canonical without a version.",
)
INS_OUTSIDE = Kind(
    "RLS-FHR-223",
    _ERROR,
    "an INS outside of the profile for patients with an INS.",
    "Claim fr-core-patient-ins, or leave the INS out.",
)
PERIOD = Kind(
    "RLS-FHR-224",
    _ERROR,
    "a period ends before it starts (R4, per-1).",
    "Correct start or end.",
)
DANGLING = Kind(
    "RLS-FHR-225",
    _ERROR,
    "a reference to a contained resource that is not there (R4, ref-1).",
    "Contain the resource, or refer to another.",
)
UNUSED = Kind(
    "RLS-FHR-226",
    _ERROR,
    "a contained resource that nothing refers to (R4, dom-3).",
    "Refer to it, or leave it out.",
)

"""What each role may open and do at the pages; which persons it sees is decided elsewhere.

A refusal answers as an address that does not exist. Decision: docs/howto/let-people-in.md.
"""

from gateway.entry.auth.people import Role

_EVERYBODY = frozenset(Role)
#: Whoever runs the software or connects hospitals to it: messages as they came.
_RAW = frozenset({Role.OPS, Role.INTEGRATOR})
#: Whoever works with persons and gaps.
_ABOUT_PERSONS = _EVERYBODY - {Role.INTEGRATOR, Role.ADMIN}

#: First part of an address, with who may open it; what is not listed is for everybody who is in.
_OPENS = {
    "messages": _RAW,
    "workbench": _RAW | {Role.ADMIN},
    "quarantine": _RAW,
    "deliveries": _RAW | {Role.ADMIN},
    "feeds": _RAW | {Role.ADMIN},
    "gaps": _ABOUT_PERSONS,
    "patients": _ABOUT_PERSONS,
    "pilot": frozenset({Role.PILOT}),
    "glass": frozenset({Role.COORDINATOR}),
    "journal": frozenset({Role.AUDITOR}),
    "audit": frozenset({Role.AUDITOR}),
}
#: First part of an address, with who may send its forms; what is not listed is for the operators.
_ACTS = {
    "messages": _RAW,
    "quarantine": _RAW,
    "workbench": _RAW | {Role.ADMIN},
    "gaps": frozenset({Role.COORDINATOR}),
    "glass": frozenset({Role.COORDINATOR}),
}


def may(role: Role, method: str, path: str) -> bool:
    """Tell whether a role may open, or send a form to, an address of the pages.

    Args:
        role: of the person.
        method: of HTTP.
        path: of the address, without query.
    """
    first = path.strip("/").partition("/")[0]
    if method in ("GET", "HEAD"):
        return role in _OPENS.get(first, _EVERYBODY)
    if path.endswith("/reveal") or path == "/messages/of-patient":
        # Integrators work with invented persons; those of real ones are for operators alone.
        return role is Role.OPS
    return role in _ACTS.get(first, frozenset({Role.OPS}))

"""What a FHIR request needs: the interactions it is made of, by type (FHIR R4 http).

Read from method, path and parameters alone, so that nothing is looked at before it is allowed.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.sharing.scopes import ANY

#: Answered without a token: what the server is and how to get one.
OPEN = frozenset({"metadata", ".well-known"})
#: Operations, with what they need on the type in the address; `*` asks it on every type.
_OPERATIONS = {
    "$validate": (),
    "$status": (("r", ""),),
    "$events": (("r", ""),),
    "$get-ws-binding-token": (("r", ""),),
    "$everything": (("r", ANY), ("s", ANY)),
    # What goes in is held to the scopes where it is known.
    "$export": (),
    # Each entry is judged where it is carried out.
    "$process-message": (),
    "$relais-convert": (),
    "$relais-mute": (("u", "Task"),),
    "$relais-unmute": (("u", "Task"),),
    "$relais-mutes": (("s", "Task"),),
}
_WRITES = {"POST": "c", "PUT": "u", "PATCH": "u", "DELETE": "d"}


class Need(NamedTuple):
    """One interaction on one type; the type is `*` when it may be about any."""

    type: str
    letter: str


def needs(method: str, path: str, parameters: Sequence[tuple[str, str]]) -> tuple[Need, ...]:
    """Return what a request needs; empty when a valid token is enough.

    Args:
        method: of HTTP.
        path: below `/fhir/`, without leading slash.
        parameters: of the address and, for a search by POST, those are not seen: a chain or an
            include in its body is judged as in an address (`_search` needs them repeated here).
    """
    parts = [part for part in path.split("/") if part]
    if parts and parts[-1] in _OPERATIONS:
        type_ = parts[0] if parts[0] != parts[-1] else ANY
        return tuple(Need(on or type_, letter) for letter, on in _OPERATIONS[parts[-1]])
    if not parts:
        # A Bundle is judged entry by entry where it is taken apart.
        return () if method == "POST" else (Need(ANY, "s"),)
    if parts[0] == "_export":
        # Jobs belong to their client; a file is held to the scopes where its type is known.
        return ()
    if parts[0].startswith(("_", "$")):
        return (Need(ANY, "s" if method == "GET" else "u"),)
    type_ = parts[0]
    is_search = len(parts) == 1 or parts[1] in ("_search", "_history")
    if method in ("GET", "HEAD") or (method == "POST" and parts[1:] == ["_search"]):
        if not is_search:
            return (Need(type_, "r"),)
        return (Need(type_, "s"), *_of_parameters(parameters))
    found = [Need(type_, _WRITES.get(method, "u"))]
    if is_search and method in ("PUT", "PATCH", "DELETE"):
        # A conditional form looks for what it changes.
        found.append(Need(type_, "s"))
    return tuple(found)


def _of_parameters(parameters: Sequence[tuple[str, str]]) -> list[Need]:
    """Return what includes, chains and `_has` look at."""
    found = []
    for name, value in parameters:
        bare = name.partition(":")[0]
        if bare == "_include":
            # The type that is brought in is the third part when it is said.
            target = value.split(":")[2:3]
            found.append(Need(target[0] if target and target[0] else ANY, "r"))
        elif bare == "_revinclude":
            found.append(Need(value.partition(":")[0] or ANY, "s"))
        elif bare == "_has":
            found.append(Need(name.split(":")[1] if name.count(":") else ANY, "s"))
        elif "." in name:
            kind = name.partition(".")[0].partition(":")[2]
            found.append(Need(kind or ANY, "s"))
    return found

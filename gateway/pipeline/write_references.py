"""What the resources of a write point to: rewritten to what is stored here, and looked for.

FHIR R4 http 3.1.0.11.2 (replacing identities, conditional references), bundle 2.36.4.1 (resolving
references in Bundles).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.ports import Transaction
from gateway.fhir import write_faults as faults
from gateway.fhir.references import CONDITIONAL, LITERAL, rewritten, told_by
from gateway.fhir.search import parse
from gateway.fhir.search_table import PARAMETERS
from gateway.pipeline.write_targets import Aim, Key, placed

_OF_A_SERVER = re.compile(r"(https?://.+)/([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})", re.ASCII)
_LOCAL = ("urn:uuid:", "urn:oid:")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What references are resolved against.

    Attributes:
        base: public address of this server, without trailing slash.
        checked: a reference to nothing refuses the write.
    """

    base: str
    checked: bool = True


def settled(tx: Transaction, aims: Sequence[Aim], around: Surroundings) -> list[Json | None]:
    """Return what each write writes, with the references it is kept with.

    Raises:
        RejectedError: one issue per reference that cannot be resolved (RLS-FHR-252 to 254).
    """
    resolver = _Resolver(tx, around, _identities(aims), aims)
    made: list[Json | None] = []
    issues: list[Issue] = []
    for aim in aims:
        sent = aim.write.resource
        if sent is None or aim.is_only_found:
            made.append(None)
            continue
        told = {text: resolver.resolved(text) for _, text in told_by(sent)}
        for where, text in told_by(sent):
            new = told[text]
            if not isinstance(new, str):
                issues.append(placed(new(where), aim.write.place))
        texts = {old: new for old, new in told.items() if isinstance(new, str)}
        made.append(
            rewritten(sent, lambda text, new=texts: new.get(text, text), resolver.address)  # type: ignore[misc]
        )
    if issues:
        raise RejectedError(issues)
    return made


def check_there(
    tx: Transaction, resources: Sequence[tuple[str, Json]], own: Mapping[Key, bool]
) -> None:
    """Hold every literal reference to a resource that is there.

    Args:
        tx: an open transaction.
        resources: place of the entry and resource, of everything that is written.
        own: what this request makes (True) and takes away (False).

    Raises:
        RejectedError: one issue per reference to nothing (RLS-FHR-252).
    """
    found: list[tuple[str, str, Key]] = []
    for place, resource in resources:
        for where, text in told_by(resource):
            match = LITERAL.fullmatch(text)
            if match is not None:
                found.append((place, where, (match[1], match[2])))
    asked = sorted({key for _, _, key in found if key not in own})
    current = tx.resources.current(asked)
    there = {key for key, row in current.items() if not row.deleted}
    there |= {key for key, is_made in own.items() if is_made}
    issues = [
        placed(faults.nothing_there(where), place)
        for place, where, key in found
        if key not in there
    ]
    if issues:
        raise RejectedError(issues)


def _identities(aims: Sequence[Aim]) -> dict[str, str]:
    """Return what each fullUrl stands for; that of a server also without its base."""
    known: dict[str, str] = {}
    for aim in aims:
        url = aim.write.full_url
        if not url or not aim.id or aim.write.method == "DELETE":
            continue
        name = "/".join(aim.key)
        known[url] = name
        match = _OF_A_SERVER.fullmatch(url)
        if match is not None:
            known[match[2]] = name
    return known


#: Says at a place why a reference cannot be resolved.
Fault = Callable[[str], Issue]


class _Resolver:
    """Resolves the references of one request."""

    def __init__(
        self, tx: Transaction, around: Surroundings, known: Mapping[str, str], aims: Sequence[Aim]
    ) -> None:
        self._tx = tx
        self._base = around.base
        self._known = known
        self._looked_for = {
            (one.write.type, one.write.criteria): "/".join(one.key)
            for one in aims
            if one.write.query is not None and one.id and one.write.method != "DELETE"
        }
        #: Ids that resources without fullUrl were sent with: they are no addresses here.
        self._nameless = {
            f"{one.write.type}/{(one.write.resource or {}).get('id')}"
            for one in aims
            if one.write.place and one.write.method == "POST" and not one.write.full_url
        }
        self._found: dict[str, str | Fault] = {}

    def address(self, text: str) -> str:
        """Return the new text of an address."""
        return self._known.get(text, text)

    def resolved(self, text: str) -> str | Fault:
        """Return the new text of a reference, or what is wrong with it."""
        bare, hash_, fragment = text.partition("#")
        if bare in self._known:
            return self._known[bare] + hash_ + fragment
        own = bare.removeprefix(f"{self._base}/")
        if own != bare and LITERAL.fullmatch(own):
            return own + hash_ + fragment
        if bare.startswith(_LOCAL) or bare in self._nameless:
            return faults.dangling
        if CONDITIONAL.fullmatch(bare) is None:
            return text
        if text not in self._found:
            self._found[text] = self._look_for(text)
        return self._found[text]

    def _look_for(self, text: str) -> str | Fault:
        type_, _, criteria = text.partition("?")
        if type_ not in PARAMETERS:
            return faults.not_one_match
        try:
            query = parse(type_, parse_qsl(criteria, keep_blank_values=True), base=self._base)
        except RejectedError:
            return faults.not_one_match
        own = self._looked_for.get((type_, repr(sorted(query.used))))
        if own is not None:
            return own
        if not query.conditions:
            return faults.not_one_match
        page = self._tx.resources.search(type_, query.conditions, 2, None)
        if len(page.resources) != 1:
            return faults.not_one_match
        return f"{type_}/{page.resources[0].id}"

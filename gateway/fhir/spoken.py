"""Words about whoever bears an INS, from a message that names its patient by a former INS alone.

A hospital that takes an INS back, or replaces it, may name nothing else. Its word is kept under
the id a Patient made of that INS alone would have, and heard by the record of that hospital which
claims the INS, whichever came first. What is heard counts as if it had been said of the record.
Standard: PAM France 2.11 4.4 (event A47).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from gateway.core.contributions import Claim, Contribution, Json, Target
from gateway.core.systems import FHIR_BASE

#: On the contribution of such a word. Never published.
SPOKEN_OF = f"{FHIR_BASE}/StructureDefinition/patient-spoken-of"
#: How the contents of claims on an INS begin that are no traits.
_WORD, _HEARD = "=word ", "=heard "


class Spoken(NamedTuple):
    """Of whom a word speaks.

    Attributes:
        system: authority of the INS.
        value: the INS.
        domain: of the local numbers of the hospital whose word it is.
        is_heard: it is held by a record that bears the INS, no longer by the INS itself.
    """

    system: str
    value: str
    domain: str
    is_heard: bool = False

    def extension(self) -> Json:
        """Return it as an extension of the word."""
        parts = [
            {"url": "ins", "valueIdentifier": {"system": self.system, "value": self.value}},
            {"url": "domain", "valueUri": self.domain},
        ]
        heard = [{"url": "heard", "valueBoolean": True}] if self.is_heard else []
        return {"url": SPOKEN_OF, "extension": [*parts, *heard]}


def spoken_of(part: Contribution) -> Spoken | None:
    """Return of whom a contribution to a Patient speaks; None when it names the record itself."""
    if not part.annotates:
        return None
    for extension in part.resource.get("extension", ()):
        if extension.get("url") == SPOKEN_OF:
            ins, domain, *heard = extension["extension"]
            number = ins["valueIdentifier"]
            return Spoken(number["system"], number["value"], domain["valueUri"], bool(heard))
    return None


def word_claim(kind: str, value: str, target: Target, said: Spoken) -> Claim:
    """Return the claim by which records and words on an INS find each other.

    Args:
        kind: of claims on an INS.
        value: of the INS.
        target: the word, or the record that heard it.
        said: of whom it speaks.
    """
    return Claim(kind, value, target, f"{_HEARD if said.is_heard else _WORD}{said.domain}")


def is_trait(claim: Claim) -> bool:
    """Tell whether a claim on an INS says who bears it."""
    return not claim.content.startswith((_WORD, _HEARD))


def is_word(claim: Claim) -> bool:
    """Tell whether a claim on an INS is held by a word about whoever bears it."""
    return claim.content.startswith(_WORD)


def word_pairs(holders: Sequence[Claim]) -> list[tuple[str, str]]:
    """Return words with the record that heard them: what the word asserts is about its person.

    A word that two records of the hospital heard belongs to neither, and what bears the INS itself
    is a record of its own.

    Args:
        holders: of one INS.
    """
    bearers = {claim.target.id for claim in holders if is_trait(claim)}
    found = []
    for word in holders:
        if not is_word(word) or word.target.id in bearers:
            continue
        domain = word.content.removeprefix(_WORD)
        heard_by = sorted({c.target.id for c in holders if c.content == f"{_HEARD}{domain}"})
        if len(heard_by) == 1:
            found.append((word.target.id, heard_by[0]))
    return found


def listeners(
    claims: Iterable[Claim], parts: Mapping[Target, Sequence[Contribution]]
) -> dict[Target, set[Target]]:
    """Return the words each record is to hear.

    Args:
        claims: on INS, of records and of words, as they are without what is heard.
        parts: contributions of the records.
    """
    words: dict[tuple[str, str], dict[Target, str]] = {}
    bearers: dict[tuple[str, str], set[Target]] = {}
    for claim in claims:
        key = claim.kind, claim.value
        if is_word(claim):
            words.setdefault(key, {})[claim.target] = claim.content.removeprefix(_WORD)
        elif is_trait(claim) and claim.target in parts:
            bearers.setdefault(key, set()).add(claim.target)
    found: dict[Target, set[Target]] = {}
    for key, told in words.items():
        for bearer in bearers.get(key, ()):
            numbers = {
                item.get("system")
                for part in parts[bearer]
                for item in part.resource.get("identifier", ())
            }
            heard = {word for word, domain in told.items() if word != bearer and domain in numbers}
            if heard:
                found.setdefault(bearer, set()).update(heard)
    return found


def heard(
    target: Target, own: Sequence[Contribution], words: Iterable[Sequence[Contribution]]
) -> list[Contribution]:
    """Return what counts for a record: what was said of it and what it is to hear."""
    taken = []
    for part in (part for parts in words for part in parts):
        said = spoken_of(part)
        if said is None:
            continue
        kept = [one for one in part.resource["extension"] if one.get("url") != SPOKEN_OF]
        mark = said._replace(is_heard=True).extension()
        resource = {**part.resource, "id": target.id, "extension": [*kept, mark]}
        taken.append(replace(part, target=target, resource=resource))
    return [*own, *taken]


def unmarked(patient: Json) -> Json:
    """Return a merged Patient without the mark of what it heard."""
    if not any(one.get("url") == SPOKEN_OF for one in patient.get("extension", ())):
        return patient
    kept = [one for one in patient["extension"] if one.get("url") != SPOKEN_OF]
    rest = {name: value for name, value in patient.items() if name != "extension"}
    return {**rest, "extension": kept} if kept else rest

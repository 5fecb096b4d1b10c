"""Names the entries of a document so that a new version keeps the ids of what did not change.

Does not convert entries. The key of an entry is its section, its code and the code of its
content; neither the version of the document nor `entry/id`, which repeat or change.
"""

from collections import Counter
from typing import NamedTuple

from gateway.cda.reader import Document, Node

#: Templates of sections and entries of the CI-SIS.
SECTION = "1.2.250.1.213.1.1.2."
ENTRY = "1.2.250.1.213.1.1.3."
PLAN_SECTION = f"{SECTION}158"
#: Lists whose statements are inside: problems, allergies.
CONCERNS = (f"{ENTRY}39", f"{ENTRY}40")
#: Clinical statements of CDA R2; an entry also holds templateId elements in some models.
STATEMENTS = (
    "observation", "act", "procedure", "encounter", "organizer", "substanceAdministration",
    "supply", "observationMedia", "regionOfInterest",
)  # fmt: skip
_ANY = f"*[{' or '.join(f'self::cda:{name}' for name in STATEMENTS)}]"
#: The statements of the entries of a section.
ENTRY_STATEMENTS = f"cda:entry/{_ANY}"
_PARTS = f"*[self::cda:entryRelationship or self::cda:component]/{_ANY}"


class EntryKey(NamedTuple):
    """What names one clinical statement.

    Attributes:
        section: section key.
        code: code of the statement, empty when it has none.
        qualifier: code of the qualifier, else of the value, product, substance or device.
        n: 1 for the first of equal ones in the document.
    """

    section: str
    code: str
    qualifier: str
    n: int


def entry_keys(document: Document) -> dict[Node, EntryKey]:
    """Return the key of every clinical statement of a document, by `Node.key`.

    Several sections may hold the same plan, as each reader of a mammogram saw it: what a later
    one repeats is the same item.
    """
    keys: dict[Node, EntryKey] = {}
    seen: dict[tuple[str, str, str], int] = {}
    body = document.root.down("component", "structuredBody")
    if body is None:
        return keys
    found = sections(body)
    names = Counter(section_key(one) for one in found if one.has_template(PLAN_SECTION))
    plans: dict[tuple[str, ...], list[EntryKey]] = {}
    for section in found:
        name = section_key(section)
        repeats = names[name] > 1
        earlier = {said: list(known) for said, known in plans.items()} if repeats else {}
        for statement in section.select(ENTRY_STATEMENTS):
            for node in _statements(statement):
                said = (name, *_content(node)) if repeats else ()
                if repeated := earlier.get(said):
                    keys[node.key] = repeated.pop(0)
                    continue
                equal = (name, *codes_of(node))
                rank = seen[equal] = seen.get(equal, 0) + 1
                key = keys[node.key] = EntryKey(*equal, rank)
                if said:
                    plans.setdefault(said, []).append(key)
    return keys


def part_key(node: Node, keys: dict[Node, EntryKey]) -> EntryKey | None:
    """Return the key of a statement inside another one, made on demand and kept.

    Its section is that of the statement around it with `>` and the codes of that one, so a part
    keeps its id as long as what it is a part of does. What stands beside a problem or an allergy
    in their concern act is a part of the first of them.
    """
    around = statement_around(node)
    if around is None:
        return None
    above = keys.get(around.key) or _concerned(around, keys) or part_key(around, keys)
    if above is None:
        return None
    scope = f"{above.section}>{above.code}#{above.qualifier}#{above.n}"
    own = codes_of(node)
    rank = 1
    for part in parts_of(around):
        if part.key is node.key:
            break
        rank += codes_of(part) == own
    key = keys[node.key] = EntryKey(scope, *own, rank)
    return key


def statement_around(node: Node) -> Node | None:
    """Return the statement a statement is a part of, None for that of an entry."""
    link = node.parent
    around = link.parent if link is not None else None
    return around if around is not None and around.name in STATEMENTS else None


def parts_of(statement: Node) -> list[Node]:
    """Return the statements inside a statement, one level down, in document order."""
    return statement.select(_PARTS)


def _concerned(around: Node, keys: dict[Node, EntryKey]) -> EntryKey | None:
    if around.name != "act":
        return None
    return next((keys[part.key] for part in parts_of(around) if part.key in keys), None)


def sections(parent: Node) -> list[Node]:
    """Return sections in document order, those inside sections after their parent."""
    found: list[Node] = []
    for component in parent.children("component"):
        for section in component.children("section"):
            found.append(section)
            found += sections(section)
    return found


def section_key(section: Node) -> str:
    """Return the CI-SIS template of a section, with `#` its translation code if there is one.

    The longest template is the most precise one; without any, the first template or the code.
    """
    roots = [template.get("root") for template in section.children("templateId")]
    own = [root for root in roots if root.startswith(SECTION)]
    code = section.child("code")
    if own:
        key = max(own, key=lambda root: (len(root), root))
    elif roots:
        key = roots[0]
    else:
        key = code.get("code") if code is not None else ""
    translation = code.child("translation") if code is not None else None
    extra = translation.get("code") if translation is not None else ""
    return f"{key}#{extra}" if extra else key


def _statements(statement: Node) -> list[Node]:
    """Return the statement itself, or the observations of a list of problems or allergies."""
    if statement.name == "act" and any(statement.has_template(root) for root in CONCERNS):
        return statement.select("cda:entryRelationship[@typeCode='SUBJ']/cda:observation")
    return [statement]


def _content(node: Node) -> tuple[str, ...]:
    """Return what makes two planned items of two sections the same: codes, value, words, dates."""
    value = node.child("value")
    amount = "" if value is None else f"{value.get('value')} {value.get('unit')}"
    times = (
        (time, time.child("low"), time.child("high")) for time in node.children("effectiveTime")
    )
    dates = [part.get("value") for time in times for part in time if part is not None]
    return (*codes_of(node), amount, _words(node), *dates)


def _words(node: Node) -> str:
    """Return the words of a statement that its value, or else its text, points to or holds."""
    value, text = node.child("value"), node.child("text")
    original = value.child("originalText") if value is not None else None
    for place in (original, text):
        reference = place.child("reference") if place is not None else None
        if reference is not None:
            return node.document.narrative(reference.get("value"))
        if place is not None and place.text():
            return place.text()
    return value.text() if value is not None else ""


def codes_of(node: Node) -> tuple[str, str]:
    """Return the code of a statement and what qualifies it.

    The qualifier comes first, then the value. A treatment is always `DRUG` and a device supply
    has no code: their product, substance or device names them.
    """
    code = node.child("code")
    own = qualified = ""
    if code is not None:
        own = code.get("code")
        if not own and (translation := code.child("translation")) is not None:
            own = translation.get("code")
        if (qualifier := code.down("qualifier", "value")) is not None:
            qualified = qualifier.get("code")
    if not qualified and (value := node.child("value")) is not None:
        qualified = value.get("code")
    path = None if qualified else _CONTENT.get(node.name)
    content = node.down(*path) if path else None
    if content is not None:
        qualified = content.get("code") or _name_beside(content)
    return own, qualified


def _name_beside(code: Node) -> str:
    """Return the name of a product without code; so two such products keep their ids apart."""
    material = code.above("manufacturedMaterial")
    name = material.child("name") if material is not None else None
    return "" if name is None else name.text()


_CONTENT: dict[str, tuple[str, ...]] = {
    "substanceAdministration": (
        "consumable",
        "manufacturedProduct",
        "manufacturedMaterial",
        "code",
    ),
    "observation": ("participant", "participantRole", "playingEntity", "code"),
    "supply": ("participant", "participantRole", "playingDevice", "code"),
}

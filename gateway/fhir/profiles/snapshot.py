"""A StructureDefinition as a tree of what is to be judged (FHIR R4 5.3, 2.33 ElementDefinition).

Elements that ask for nothing beyond base R4, which `fhir.shape` judges, are left out of the tree.
"""

from dataclasses import dataclass, field
from typing import Any

from gateway.fhir.elements import table

Json = dict[str, Any]

#: Stands for "no fixed value": null is a JSON value.
NOTHING: Any = object()

#: Invariants judged elsewhere, with where; they are not evaluated.
SKIPPED = {
    "ele-1": "fhir.shape: an element is never empty",
    "ext-1": "fhir.shape: an extension has a value or extensions",
    "dom-3": "profiles.lints: a contained resource is referred to",
    "dom-6": "best practice of R4 (a narrative); resources made from data have none",
}


@dataclass(frozen=True, slots=True)
class TypeRef:
    """One type an element may have.

    Attributes:
        code: `string`, `Address`, `Reference`.
        profiles: of which one must be met; empty when the bare type will do.
        targets: of a reference, of which one must be met; empty when any.
    """

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constraint:
    """One invariant (ElementDefinition.constraint)."""

    key: str
    is_error: bool
    human: str
    expression: str


@dataclass(frozen=True, slots=True)
class Discriminator:
    """How slices are told apart (ElementDefinition.slicing.discriminator)."""

    type: str
    path: str


@dataclass(slots=True)
class Node:
    """One element of a profile, or one slice of it.

    Attributes:
        id: element id, `Patient.identifier:PI.use`.
        path: `Patient.identifier.use`.
        name: last part, `use`, `value[x]`.
        slice: its name when it is one.
        maximum: None when unbounded.
        fixed: value it must equal, or NOTHING.
        pattern: value it must contain, or NOTHING.
        strength: of the binding, `required` or `extensible`; else empty.
        value_set: of that binding.
        is_sliced: it has slicing.
        children: by name.
        refers: id of the element whose content it has, `#Bundle.link`.
    """

    id: str
    path: str
    name: str
    slice: str = ""
    minimum: int = 0
    maximum: int | None = None
    types: tuple[TypeRef, ...] = ()
    fixed: Any = NOTHING
    pattern: Any = NOTHING
    strength: str = ""
    value_set: str = ""
    constraints: tuple[Constraint, ...] = ()
    discriminators: tuple[Discriminator, ...] = ()
    is_sliced: bool = False
    is_closed: bool = False
    children: dict[str, "Node"] = field(default_factory=dict)
    slices: list["Node"] = field(default_factory=list)
    refers: str = ""

    @property
    def is_choice(self) -> bool:
        """Tell whether it may have one of several types, `value[x]`."""
        return self.name.endswith("[x]")


@dataclass(frozen=True, slots=True)
class Profile:
    """A compiled profile.

    Attributes:
        url: canonical without version.
        type: of the resources or values it is about.
        base: profile it constrains; judged too when `root` is not a whole snapshot.
        is_whole: the tree has what the base asks for as well.
        contexts: of an extension, where it may stand, as (type, expression).
    """

    url: str
    type: str
    base: str
    is_whole: bool
    root: Node
    by_id: dict[str, Node]
    contexts: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """Return the last part of the URL."""
        return self.url.rpartition("/")[2]


def compile_profile(definition: Json) -> Profile:
    """Make the tree of a StructureDefinition, from its snapshot, else from its differential."""
    is_whole = "snapshot" in definition
    elements = definition["snapshot" if is_whole else "differential"]["element"]
    by_id: dict[str, Node] = {}
    type_ = definition["type"]
    root = by_id[type_] = Node(id=type_, path=type_, name=type_)
    for element in elements:
        node = _placed(element["id"], element["path"], by_id)
        _fill(node, element)
    _prune(root)
    return Profile(
        url=definition["url"],
        type=type_,
        base=definition.get("baseDefinition", ""),
        is_whole=is_whole,
        root=root,
        by_id=by_id,
        contexts=tuple((one["type"], one["expression"]) for one in definition.get("context", ())),
    )


def _placed(id_: str, path: str, by_id: dict[str, Node]) -> Node:
    """Return the node of an id, hung below its parent; parents that are not written are made."""
    known = by_id.get(id_)
    if known is not None:
        return known
    above, _, last = _split(id_)
    path_above = path.rpartition(".")[0]
    parent = _placed(above, path_above, by_id)
    name, _, slice_ = last.partition(":")
    node = by_id[id_] = Node(id=id_, path=path, name=name, slice=slice_)
    if not slice_:
        parent.children[name] = node
    else:
        # A slice of a slice is named `first/second` below the same element.
        outer = slice_.rpartition("/")[0]
        of = f"{above}.{name}:{outer}" if outer else f"{above}.{name}"
        _placed(of, path, by_id).slices.append(node)
    return node


def _split(id_: str) -> tuple[str, str, str]:
    """Split off the last part; a slice name may hold dots."""
    head, colon, tail = id_.rpartition(":")
    if colon and "." not in tail:
        above, dot, name = head.rpartition(".")
        return above, dot, f"{name}:{tail}"
    return id_.rpartition(".")


def _fill(node: Node, element: Json) -> None:
    node.minimum = element.get("min", 0)
    maximum = element.get("max", "*")
    node.maximum = None if maximum == "*" else int(maximum)
    node.types = tuple(_type(one) for one in element.get("type", ())) or _base_type(node.path)
    for key, value in element.items():
        if key.startswith("fixed"):
            node.fixed = value
        elif key.startswith("pattern"):
            node.pattern = value
    binding = element.get("binding", {})
    if binding.get("strength") in ("required", "extensible") and binding.get("valueSet"):
        node.strength, node.value_set = binding["strength"], binding["valueSet"]
    node.constraints = tuple(
        Constraint(one["key"], one["severity"] == "error", one.get("human", ""), one["expression"])
        for one in element.get("constraint", ())
        if one["key"] not in SKIPPED and "expression" in one
    )
    slicing = element.get("slicing")
    if slicing:
        node.is_sliced = True
        node.is_closed = slicing.get("rules") == "closed"
        node.discriminators = tuple(
            Discriminator(one["type"], one["path"]) for one in slicing.get("discriminator", ())
        )
    node.refers = element.get("contentReference", "").rpartition("#")[2]


def _type(raw: Json) -> TypeRef:
    code = raw["code"]
    if code.startswith("http://hl7.org/fhirpath/System."):
        code = code.removeprefix("http://hl7.org/fhirpath/System.").lower()
    return TypeRef(code, tuple(raw.get("profile", ())), tuple(raw.get("targetProfile", ())))


def _prune(node: Node) -> bool:
    """Drop children that ask for nothing; tell whether the node itself asks for something."""
    node.children = {name: child for name, child in node.children.items() if _prune(child)}
    for one in node.slices:
        _prune(one)
    return bool(
        node.children
        or node.slices
        or node.slice
        or node.minimum
        or node.constraints
        or node.strength
        or node.refers
        or node.is_choice
        or node.fixed is not NOTHING
        or node.pattern is not NOTHING
        or node.maximum != _base_maximum(node.path)
        or any(one.profiles or one.targets for one in node.types)
    )


def _base_type(path: str) -> tuple[TypeRef, ...]:
    """Return the type of base R4 where a differential does not repeat it."""
    element = table().find(path)
    return () if element is None else (TypeRef(element.type),)


def _base_maximum(path: str) -> int | None:
    element = table().find(path)
    return None if element is None or element.is_list else 1

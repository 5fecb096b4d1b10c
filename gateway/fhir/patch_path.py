"""FHIRPath Patch: add, insert, delete, replace, move, told by a Parameters resource.

All or nothing: the resource that is given is never touched. Does not judge the result. Standard:
FHIR R4 fhirpatch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.fhir import write_faults as faults
from gateway.fhir.elements import table
from gateway.fhir.patch_json import CannotError
from gateway.fhir.patch_places import Place, find, find_holder, form_of, one

_MOST = 500
_NEEDS = {
    "add": ("path", "name", "value"),
    "delete": ("path",),
    "insert": ("path", "index", "value"),
    "move": ("path", "source", "destination"),
    "replace": ("path", "value"),
}


@dataclass(frozen=True, slots=True)
class _Value:
    """What is written: one value of a FHIR type, or the parts of an element.

    Attributes:
        type: FHIR type as in `value[x]`, first letter small for a primitive; empty for parts.
        json: the value.
        parts: name and value of each part, when there is no value.
    """

    type: str
    json: Any
    parts: tuple[tuple[str, "_Value"], ...] = ()


@dataclass(frozen=True, slots=True)
class _Operation:
    type: str
    path: str
    name: str = ""
    value: _Value | None = None
    index: int = 0
    source: int = 0
    destination: int = 0


def path_patch(parameters: Json) -> Callable[[Json], Json]:
    """Read a patch; return what carries it out.

    Args:
        parameters: a Parameters resource with a good shape.

    Returns:
        A function of a resource that returns the patched one and raises RejectedError with the
        index of the operation that cannot be done (RLS-FHR-261).

    Raises:
        RejectedError: it is no patch (RLS-FHR-260).
    """
    told = parameters.get("parameter", ())
    if not told or any(one_.get("name") != "operation" for one_ in told):
        raise RejectedError([faults.bad_patch("Parameters", "it has no `operation`, or others")])
    if len(told) > _MOST:
        raise RejectedError([faults.bad_patch("Parameters", f"more than {_MOST} operations")])
    operations = [_read(one_.get("part", ()), number) for number, one_ in enumerate(told)]
    return lambda resource: _patched(resource, operations)


def _read(parts: Sequence[Json], number: int) -> _Operation:
    where = f"operation[{number}]"
    given: dict[str, _Value] = {}
    for part in parts:
        given[str(part.get("name"))] = _value(part, where)
    type_ = given["type"].json if "type" in given else None
    if not isinstance(type_, str) or type_ not in _NEEDS:
        raise RejectedError([faults.bad_patch(where, f"`type` is none of {', '.join(_NEEDS)}")])
    missing = [name for name in _NEEDS[type_] if name not in given]
    if missing:
        raise RejectedError([faults.bad_patch(where, f"`{missing[0]}` is missing")])
    texts = {name: given[name].json for name in ("path", "name") if name in given}
    numbers = {
        name: given[name].json for name in ("index", "source", "destination") if name in given
    }
    for name, text in texts.items():
        if not isinstance(text, str):
            raise RejectedError([faults.bad_patch(where, f"`{name}` is no text")])
    for place, value in numbers.items():
        if value.__class__ is not int or value < 0:
            raise RejectedError([faults.bad_patch(where, f"`{place}` is no place in a list")])
    return _Operation(type_, value=given.get("value"), **texts, **numbers)


def _value(part: Json, where: str) -> _Value:
    names = [name for name in part if name.startswith("value")]
    if names:
        name = names[0].removeprefix("value")
        small = name[:1].lower() + name[1:]
        primitive = small in _PRIMITIVES
        return _Value(small if primitive else name, part[names[0]])
    if not part.get("part"):
        raise RejectedError([faults.bad_patch(where, "a part has no value")])
    inside = tuple((str(one_.get("name")), _value(one_, where)) for one_ in part["part"])
    return _Value("", None, inside)


_PRIMITIVES = frozenset(
    {
        "base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id",
        "instant", "integer", "markdown", "oid", "positiveInt", "string", "time", "unsignedInt",
        "uri", "url", "uuid",
    }
)  # fmt: skip


def _patched(resource: Json, operations: Sequence[_Operation]) -> Json:
    made: Json = _copy(resource)
    for number, operation in enumerate(operations):
        try:
            _DO[operation.type](made, operation)
        except CannotError as error:
            where = f"operation[{number}]"
            raise RejectedError([faults.patch_failed(where, str(error))]) from None
    return made


def _add(resource: Json, told: _Operation) -> None:
    holder = one(find(resource, told.path))
    if not isinstance(holder.value, dict) or told.value is None:
        msg = "there is nothing to add to"
        raise CannotError(msg)
    name, element = form_of(holder.type, told.name, told.value.type)
    value = _written(told.value, element.type)
    if element.is_list:
        _insert_at(holder.value, name, len(holder.value.get(name, ())), value)
    elif name in holder.value or (element.choice and _rivals(holder, element.choice)):
        msg = "the element is there already and does not repeat"
        raise CannotError(msg)
    else:
        holder.value[name] = value


def _insert(resource: Json, told: _Operation) -> None:
    holder, name = find_holder(resource, told.path)
    if not isinstance(holder.value, dict) or told.value is None:
        msg = "there is nothing to insert into"
        raise CannotError(msg)
    name, element = form_of(holder.type, name, told.value.type)
    if not element.is_list:
        msg = "the element does not repeat"
        raise CannotError(msg)
    if told.index > len(holder.value.get(name, ())):
        msg = "the list has no such place"
        raise CannotError(msg)
    _insert_at(holder.value, name, told.index, _written(told.value, element.type))


def _delete(resource: Json, told: _Operation) -> None:
    found = find(resource, told.path)
    # Spec: FHIR R4 fhirpatch, delete: what is not there is not missed.
    if found:
        _remove(one(found))


def _replace(resource: Json, told: _Operation) -> None:
    place = one(find(resource, told.path))
    if place.owner is None or told.value is None:
        msg = "a resource is replaced by an update, not by a patch"
        raise CannotError(msg)
    if place.index is not None:
        place.owner[place.name][place.index] = _written(told.value, place.type)
        return
    holder = _type_of_holder(resource, place)
    element = table().elements_of(holder)[place.name]
    name, formed = form_of(holder, element.choice or place.name, told.value.type)
    if name != place.name:
        del place.owner[place.name]
        place.owner.pop(f"_{place.name}", None)
    place.owner[name] = _written(told.value, formed.type)


def _move(resource: Json, told: _Operation) -> None:
    holder, name = find_holder(resource, told.path)
    found = holder.value.get(name) if isinstance(holder.value, dict) else None
    if not isinstance(found, list) or max(told.source, told.destination) >= len(found):
        msg = "the list has no such place"
        raise CannotError(msg)
    for one_ in (found, holder.value.get(f"_{name}")):
        if isinstance(one_, list):
            one_.insert(told.destination, one_.pop(told.source))


_DO: dict[str, Callable[[Json, _Operation], None]] = {
    "add": _add,
    "delete": _delete,
    "insert": _insert,
    "move": _move,
    "replace": _replace,
}


def _type_of_holder(resource: Json, place: Place) -> str:
    """Return the type of the object an element stands in."""
    if place.owner is resource:
        return str(resource["resourceType"])
    for type_, held in _objects(resource, str(resource["resourceType"])):
        if held is place.owner:
            return type_
    msg = "the element is not found again"
    raise CannotError(msg)


def _objects(value: Json, type_: str) -> list[tuple[str, Json]]:
    """Return every object of a resource with its type."""
    found = [(type_, value)]
    known = table().elements_of(type_) if type_ in table().type_names else {}
    for name, item in value.items():
        for member in item if isinstance(item, list) else [item]:
            if isinstance(member, dict) and name in known:
                inner = known[name].type
                if inner == "Resource":
                    inner = str(member.get("resourceType", ""))
                found += _objects(member, inner)
    return found


def _rivals(holder: Place, choice: str) -> bool:
    known = table().elements_of(holder.type)
    return any(known[name].choice == choice for name in holder.value if name in known)


def _written(value: _Value, type_: str) -> Any:
    """Return the JSON of a value for an element of a type."""
    if not value.parts:
        return _copy(value.json)
    made: Json = {}
    for name, part in value.parts:
        formed, element = form_of(type_, name, part.type)
        told = _written(part, element.type)
        if element.is_list:
            made.setdefault(formed, []).append(told)
        elif formed in made:
            msg = "a part that does not repeat is said twice"
            raise CannotError(msg)
        else:
            made[formed] = told
    return made


def _insert_at(owner: Json, name: str, index: int, value: Any) -> None:
    owner.setdefault(name, []).insert(index, value)
    beside = owner.get(f"_{name}")
    if isinstance(beside, list):
        beside.insert(index, None)


def _remove(place: Place) -> None:
    if place.owner is None:
        msg = "a resource is taken away by a DELETE, not by a patch"
        raise CannotError(msg)
    names = (place.name, f"_{place.name}")
    for name in names:
        held = place.owner.get(name)
        if place.index is None:
            place.owner.pop(name, None)
        elif isinstance(held, list) and place.index < len(held):
            del held[place.index]
            if not any(one_ is not None for one_ in held):
                del place.owner[name]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value

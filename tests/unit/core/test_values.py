"""Values are compared and kept in sets as frozen dataclasses are."""

from dataclasses import dataclass, replace

import pytest

from gateway.core.values import value


@value(frozen=True, slots=True)
class Light:
    """A value of ours."""

    name: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Frozen:
    """The same, frozen when it runs."""

    name: str
    count: int = 0


def test_equal_fields_are_one_value():
    assert Light("a") == Light("a", 0)
    assert Light("a") != Light("a", 1)
    assert len({Light("a"), Light("a", 0), Light("b")}) == 2


def test_it_hashes_and_shows_itself_as_a_frozen_dataclass_does():
    assert hash(Light("a", 2)) == hash(Frozen("a", 2))
    assert repr(Light("a", 2)) == repr(Frozen("a", 2)).replace("Frozen", "Light")


def test_it_is_replaced_and_not_extended():
    one = Light("a")

    assert replace(one, count=3) == Light("a", 3)
    assert one == Light("a")
    with pytest.raises(AttributeError):
        one.other = 1

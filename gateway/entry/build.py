"""Which build of the gateway runs: its sources, or with compiled rooms (ADR 13)."""

from gateway.hl7v2 import cells


def is_compiled() -> bool:
    """Tell whether the rooms every input passes are extension modules."""
    return not str(cells.__file__).endswith(".py")

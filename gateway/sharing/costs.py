"""What a search may cost (security of the FHIR door; T037 of its test list).

Judged before anything is looked up, and for registered clients only: whoever is alone on a machine
may ask what they want of it.
"""

from collections.abc import Sequence

MOST_PARAMETERS = 30
MOST_VALUES = 50
MOST_CHAINED = 2
MOST_INCLUDES = 3


def too_costly(pairs: Sequence[tuple[str, str]]) -> str:
    """Return what is too much in a search, in words; empty when nothing is.

    Args:
        pairs: names and values as asked.
    """
    if len(pairs) > MOST_PARAMETERS:
        return f"it has more than {MOST_PARAMETERS} parameters"
    includes = 0
    for name, value in pairs:
        bare = name.partition(":")[0]
        includes += bare in ("_include", "_revinclude")
        # A separator that is escaped stands in a value (FHIR R4 search 3.1.1.4.2).
        if value.count(",") - value.count("\\,") >= MOST_VALUES:
            return f"a parameter has more than {MOST_VALUES} values"
        if name.count(".") + name.count("_has:") > MOST_CHAINED:
            return f"it follows more than {MOST_CHAINED} references in a row"
    return f"it has more than {MOST_INCLUDES} includes" if includes > MOST_INCLUDES else ""

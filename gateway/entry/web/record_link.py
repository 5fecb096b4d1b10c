"""Why several records are one person, as a value. Knows neither the store nor HTML."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RecordLink:
    """Why two records are one person, or are not any more.

    Attributes:
        kind: `merged`, `renumbered`, `linked`, `apart`, or `ins` for a qualified INS they share.
        one: number of a record; of a merge, the one that gave way. Empty: it has none.
        other: number of the other record.
        at: when it was recorded at the source, of an INS when they became one person here.
        message: number of the input that said it; None: not known.
    """

    kind: str
    one: str
    other: str
    at: datetime | None
    message: int | None

"""Until when the certificates hold that the settings name: one row a file and use.

Reads the files anew at each call, since they may be replaced while the process runs. A file that
cannot be read has no date: who uses it refuses it by itself. Never the key.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from gateway.core.errors import FatalError
from gateway.entry.certificates import Place, read
from gateway.entry.settings import Settings


class Use(StrEnum):
    """What a certificate is for; the names are those of the settings."""

    HTTP = "http"
    MLLPS = "mllps"
    MSSANTE = "mssante"
    RECORD = "dmp"
    SIGN = "dmp-sign"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True)
class Dates:
    """A certificate.

    Attributes:
        use: what for.
        subject: RFC 4514, empty when the file cannot be read.
        begins: not valid before, UTC; None when the file cannot be read.
        ends: not valid after, UTC; None when the file cannot be read.
    """

    use: Use
    subject: str = ""
    begins: datetime | None = None
    ends: datetime | None = None

    def days_left(self, now: datetime) -> float | None:
        """Return the days it still holds, below zero once it is over; None when not known."""
        return None if self.ends is None else (self.ends - now).total_seconds() / 86400


def certificate_dates(settings: Settings) -> list[Dates]:
    """Return a row for each certificate the settings name, the first of its chain."""
    return [_read(use, file) for use, file in _files(settings)]


def _files(settings: Settings) -> Iterator[tuple[Use, Path]]:
    named = {
        Use.HTTP: settings.http.certificate,
        Use.MLLPS: settings.mllps.certificate,
        Use.MSSANTE: settings.mssante.certificate,
        Use.RECORD: settings.dmp.certificate,
        Use.SIGN: settings.dmp.sign_certificate,
        Use.OUTBOUND: settings.outbound.certificate,
    }
    yield from ((use, file) for use, file in named.items() if file is not None)


def _read(use: Use, file: Path) -> Dates:
    try:
        found = read(Place(use.value, "", file))[0]
    except FatalError:
        return Dates(use)
    return Dates(use, found.subject, found.begins, found.ends)

"""A shared record and the connector towards it, for tests."""

import asyncio
import re
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from gateway.cda.reader import read as read_cda
from gateway.cda.xds_metadata import unique_id
from gateway.connectors.dmp import DmpConnector
from gateway.connectors.dmp_keys import SigningFiles, client_context
from gateway.connectors.dmp_submission import House, Submission, prepare
from gateway.connectors.dmp_vihf import Software
from gateway.connectors.dmp_xds import Endpoint, XdsDialect
from gateway.core.deliveries import Delivery, DeliveryStatus, NewDelivery
from gateway.mapping.loader import load_mappings
from gateway.simulation.dmp_pki import DmpPki, make_dmp_pki, read_dmp_pki
from gateway.simulation.dmp_repository import DmpRepository, Manners
from tests.support.mail import messages

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CONCEPTMAPS = load_mappings(None).conceptmaps
#: Structures of the letters; the certificate is that of the legal entity of both.
EJ, EG, OTHER_EG = "1990000001", "1990004004", "1990001000"
HOUSE = House((EG, OTHER_EG), "HAD de la Dorde (fictive)", "SA04", "2.999.77", "Relais")
SOFTWARE = Software("Relais", "0.1", "ESSAI-0001")
PATIENTS = ("254039902200377", "190109902900410", "244019901500267")
SETS = {
    "typeCode": {"11490-0"},
    "classCode": {"11"},
    "practiceSettingCode": {"HAD", "ETABLISSEMENT"},
    "healthcareFacilityTypeCode": {"SA04", "SA01"},
    "contentTypeCode": {"03", "97"},
}


class Hands:
    """A clock moved by hand."""

    def __init__(self, now: datetime = NOW):
        self.instant = now

    def now(self) -> datetime:
        return self.instant


@lru_cache
def letter(number: int = 0) -> bytes:
    """Return a discharge letter: the first, one that replaces, one of another patient."""
    found = re.search(rb"\^Base64\^([A-Za-z0-9+/=]+)", messages()[number])
    if found is None:
        msg = "the message carries no letter"
        raise AssertionError(msg)
    return b64decode(found[1])


def named(body: bytes) -> str:
    """Return the uniqueId of a letter."""
    return unique_id(read_cda(body).root.child("id"))


def delivery(body: bytes, *, attempts: int = 1, **details: object) -> Delivery:
    """Return an outbox row as the routing makes it."""
    ins = re.search(rb'extension="([0-9AB]{15})"', body)
    item = NewDelivery(
        connector="dmp",
        key=f"key-of-{named(body)}",
        due_at=NOW,
        content_type="text/xml",
        body=body,
        details={
            "kind": "dmp", "ins_trusted": True, "ins": ins[1].decode() if ins else "",
            "content_type_code": "03", **details,
        },
    )  # fmt: skip
    return Delivery(1, item, DeliveryStatus.SENDING, attempts, NOW, NOW)


def author_of(number: int = 0) -> dict[str, str]:
    """Return the author of a letter as the message names its sender."""
    from gateway.cda.xds_metadata import describe

    author = describe(read_cda(letter(number)), CONCEPTMAPS, ins_trusted=True).authors[0]
    return {"person": author.person, "institution": author.institution}


def submission(number: int = 0, **details: object) -> Submission:
    """Return what is submitted for a letter."""
    return prepare(delivery(letter(number), **details), HOUSE, CONCEPTMAPS)


@dataclass
class Record:
    """Everything that stands for the shared record."""

    pki: DmpPki
    repository: DmpRepository
    endpoint: Endpoint
    clock: Hands = field(default_factory=Hands)
    theirs: Hands = field(default_factory=Hands)

    made: list[XdsDialect] = field(default_factory=list)

    @property
    def dialect(self) -> XdsDialect:
        return self._kept(self.endpoint)

    def _kept(self, endpoint: Endpoint) -> XdsDialect:
        self.made.append(XdsDialect(endpoint, self.clock))
        return self.made[-1]

    async def close(self) -> None:
        """Close what connectors left open."""
        for dialect in self.made:
            await dialect.close()

    @property
    def connector(self) -> DmpConnector:
        return DmpConnector(self.dialect, HOUSE, CONCEPTMAPS)

    def another(self, **changes: object) -> DmpConnector:
        """Return a connector with other settings towards the same record."""
        dialect = self._kept(replace(self.endpoint, **changes))
        return DmpConnector(dialect, HOUSE, CONCEPTMAPS)


@lru_cache
def pki_files() -> dict[str, bytes]:
    """Return the files of one made-up authority: RSA keys take their time."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        make_dmp_pki(Path(folder), EJ)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def pki_in(folder: Path) -> DmpPki:
    """Put that authority into a folder."""
    for name, data in pki_files().items():
        (folder / name).write_bytes(data)
    return read_dmp_pki(folder)


def manners(**changes: object) -> Manners:
    """Return a record where every patient of the letters has an open one."""
    return Manners(
        patients=dict.fromkeys(PATIENTS, "active"), value_sets=SETS, sites={EJ: (EG, OTHER_EG)},
        slow_s=0.5, **changes,
    )  # fmt: skip


@asynccontextmanager
async def record(folder: Path, own: Manners | None = None) -> AsyncIterator[Record]:
    """Open a shared record."""
    pki = await asyncio.to_thread(pki_in, folder)
    clock, theirs = Hands(), Hands()
    repository = DmpRepository(pki, own or manners(), theirs.now)
    await repository.start()
    endpoint = Endpoint(
        base_url=repository.base_url,
        tls=lambda: client_context(pki.authority, pki.client),
        signer=SigningFiles(pki.signer),
        software=SOFTWARE,
        source_id=HOUSE.source_id,
        timeout_s=5,
        unknown_wait_s=60,
    )
    opened = Record(pki, repository, endpoint, clock, theirs)
    try:
        yield opened
    finally:
        await opened.close()
        await repository.stop()


def minutes(number: int) -> timedelta:
    """Return minutes."""
    return timedelta(minutes=number)

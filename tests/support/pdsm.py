"""A repository that speaks FHIR (PDSm) and the connector towards it, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.connectors.dmp import DmpConnector
from gateway.connectors.dmp_keys import client_context
from gateway.connectors.dmp_pdsm import FhirEndpoint, PdsmDialect
from gateway.simulation.dmp_pdsm_side import PdsmRepository
from tests.support.dmp import CONCEPTMAPS, HOUSE, PATIENTS, Hands, pki_in


class FhirRecord:
    """The repository and the connector towards it."""

    def __init__(self, folder: Path) -> None:
        pki = pki_in(folder)
        self.clock, self.theirs = Hands(), Hands()
        self.repository = PdsmRepository(pki, self.theirs.now)
        self.repository.patients = dict.fromkeys(PATIENTS, True)
        self._pki = pki

    def connect(self) -> None:
        """Make the connector: the address is known once the repository listens."""
        pki = self._pki
        endpoint = FhirEndpoint(
            self.repository.base_url, lambda: client_context(pki.authority, pki.client), 5, 60
        )
        self.connector = DmpConnector(PdsmDialect(endpoint, self.clock), HOUSE, CONCEPTMAPS)


@asynccontextmanager
async def fhir_record(folder: Path) -> AsyncIterator[FhirRecord]:
    """Open a repository."""
    shared = FhirRecord(folder)
    await shared.repository.start()
    shared.connect()
    try:
        yield shared
    finally:
        await shared.connector.close()
        await shared.repository.stop()

"""`relais admin why`: whether a client may be shown a person, and why, in words."""

from typing import Annotated

import typer

from gateway.core.access import CATEGORIES, Client
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store, Transaction
from gateway.entry.cli_clients import unknown_client
from gateway.entry.wiring import SystemClock
from gateway.entry.with_store import with_store
from gateway.pipeline import rights
from gateway.sharing.decision import Grounds, decide, in_words


def why(
    client_id: Annotated[str, typer.Argument(help="client_id of a registered client.")],
    patient_id: Annotated[str, typer.Argument(help="FHIR id of a Patient.")],
) -> None:
    """Say whether a client may be shown a person now, and why; decided as a read would be.

    Example: relais admin why dac-69 1c9d8b0e-6a2b-5f0e-9b1e-3a5d0c6f7a11
    """
    now = SystemClock().now()

    async def work(store: Store) -> tuple[Client | None, Grounds | None]:
        def look(tx: Transaction) -> tuple[Client | None, Grounds | None]:
            if ("Patient", patient_id) not in tx.resources.current([("Patient", patient_id)]):
                return tx.access.client(client_id), None
            ((_, patients),) = rights.patients_of(tx, [patient_id]).items()
            return tx.access.client(client_id), rights.grounds(tx, patients)

        return await store.read(look)

    client, known = with_store(work)
    if client is None:
        raise RejectedError([unknown_client()])
    if known is None:
        raise RejectedError([_unknown_patient()])
    for category in CATEGORIES:
        print(f"{category}: {in_words(decide(client, known, category, now))}")
    stays = ", ".join(sorted(known.places)) or "none"
    print(f"stays at: {stays}; care teams: {len(known.teams)}; consents: {len(known.words)}")


def _unknown_patient() -> Issue:
    return Issue(
        code="RLS-SEC-043",
        severity=Severity.ERROR,
        where="patient_id",
        what="no Patient has this id.",
        fix="Give the id of a Patient resource, as a search by its identifier shows it.",
    )

"""What access control needs of the store: clients, tokens, assertions already used."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from gateway.core.access import Client, Glass, Grant, Mark, Permit


class AccessQueries(Protocol):
    """Clients and what they were given."""

    def put_client(self, client: Client) -> None:
        """Keep a client, in the place of one with the same id."""
        ...

    def client(self, client_id: str) -> Client | None:
        """Return a client, active or not."""
        ...

    def clients(self) -> list[Client]:
        """Return every client, by id."""
        ...

    def put_circle(self, circle: Client) -> None:
        """Keep what people who work for the same organisations may be shown, by its id."""
        ...

    def circles(self) -> list[Client]:
        """Return every circle of people, by id; none of them is a client."""
        ...

    def break_glass(self, glass: Glass) -> None:
        """Keep that somebody opened what they may not see, and have it decided anew."""
        ...

    def glasses(self, patient_ids: Iterable[str], now: datetime) -> list[Glass]:
        """Return what is open now of these Patients, the oldest first."""
        ...

    def glasses_since(self, since: datetime, limit: int) -> list[Glass]:
        """Return what was opened from an instant on, the newest first."""
        ...

    def use_once(self, client_id: str, jti: str, until: datetime) -> bool:
        """Note that a client used an assertion; False when it did before (RFC 7523, jti).

        Shared by every process: of two that ask at the same time one is told True.
        """
        ...

    def keep_grant(self, grant: Grant) -> None:
        """Keep a token that is given."""
        ...

    def grant(self, digest: str) -> Grant | None:
        """Return the token with this hash, expired or not."""
        ...

    def drop_grants(self, client_id: str) -> int:
        """Take back every token of a client; return how many there were."""
        ...

    def forget(self, before: datetime) -> int:
        """Forget tokens and used assertions that ended before an instant; return how many."""
        ...

    def mark(self, patient_ids: Iterable[str], due: datetime | None = None) -> None:
        """Have it decided anew who may see the persons of these Patients.

        Marks of what decides (stays, care teams, consents) are made by the store itself.

        Args:
            patient_ids: whose.
            due: not before this instant; None: at once.
        """
        ...

    def mark_everybody(self) -> None:
        """Have it decided anew about every Patient there is."""
        ...

    def marks(self, now: datetime, limit: int, patient_ids: Sequence[str] = ()) -> list[Mark]:
        """Return marks that are due, the oldest first.

        Args:
            now: instant of looking.
            limit: how many at most.
            patient_ids: of these Patients only; empty: of anybody.
        """
        ...

    def settle(
        self, marks: Sequence[Mark], patient_ids: Sequence[str], permits: Sequence[Permit]
    ) -> None:
        """Take marks away, and make these the permits of these Patients, for every client."""
        ...

    def permits(
        self, client_id: str, patient_ids: Iterable[str], now: datetime, person: str = ""
    ) -> dict[tuple[str, str], Permit]:
        """Return the permits that hold now, by (Patient, category).

        Args:
            client_id: of a client or a circle.
            patient_ids: whose.
            now: instant of the question.
            person: id of permits of their own (`Sight.person`); empty: none.
        """
        ...

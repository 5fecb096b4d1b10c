"""What `relais package` knows beside the message: the directory and the oppositions of the store.

Reads the store of the settings as `serve` would; without one, the message stands alone.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from gateway.core.contributions import Json, Target
from gateway.core.directory import Entry
from gateway.core.ports import Store, Transaction
from gateway.entry.settings import Settings
from gateway.entry.with_store import with_store
from gateway.pipeline.route import Known
from gateway.pipeline.standing import doctor_of, known_of, listed, standing_in
from gateway.sharing.outgoing import Standing

_SQLITE = "sqlite:///"


def known_here(settings: Settings, resources: Sequence[Json], now: datetime) -> Known:
    """Return what message and store say of the patient and of whoever may be written to.

    Args:
        settings: of the installation.
        resources: what the message makes.
        now: instant the decision is made for.
    """
    shown = next((one for one in resources if one["resourceType"] == "Patient"), {})
    by_name = {f"{one['resourceType']}/{one['id']}": one for one in resources}
    doctor = doctor_of(shown, lambda name: by_name.get(name, {}))
    if not _is_there(settings.store.url):
        sys.stderr.write("No store yet: directory and oppositions are not looked at.\n")
        return Known(standing_in(shown), doctor)
    stored = _stored(Target("Patient", str(shown.get("id", ""))), now)
    # Of the identity the message speaks last; of oppositions the store knows more.
    kept = stored.standing
    standing = standing_in(shown, kept.record_opposition, tuple(kept.refusals))
    return Known(standing, doctor or stored.doctor, _listed)


def _stored(patient: Target, now: datetime) -> Known:
    """Return what the store says; its view of the directory must not outlive the transaction."""

    def work(tx: Transaction) -> Known:
        if not patient.id:
            return Known(Standing())
        known = known_of(tx, patient, now)
        return Known(known.standing, known.doctor)

    async def read(store: Store) -> Known:
        return await store.read(work)

    return with_store(read)


def _listed(numbers: Sequence[str]) -> Mapping[str, Sequence[Entry]]:
    async def read(store: Store) -> Mapping[str, Sequence[Entry]]:
        return await store.read(partial(listed, numbers=numbers))

    return with_store(read)


def _is_there(url: str) -> bool:
    """Tell whether there is a store to read: a question makes no file."""
    return not url.startswith(_SQLITE) or Path(url.removeprefix(_SQLITE)).is_file()

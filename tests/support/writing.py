"""A FHIR door that takes writes, over any store, with the profiles of this project only."""

from functools import lru_cache

from gateway.conformance.resources import ResourceJudge
from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.ports import Store
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.messages import messages_router
from gateway.entry.api.resources import resources_router
from gateway.entry.api.transactions import transactions_router
from gateway.entry.api.writing import WriteSettings
from gateway.entry.auth.wall import client_of
from gateway.fhir.identity import Ids

BASE = "http://relais.test:8080"


@lru_cache(maxsize=1)
def judge() -> ResourceJudge:
    """Return a judge that has no package."""
    return ResourceJudge(())


def write_settings(**changes: object) -> WriteSettings:
    """Return what the doors that write need."""
    known = {"base": f"{BASE}/fhir", "ids": Ids(), "judge": judge, "client_of": client_of}
    return WriteSettings(**{**known, **changes})


def writing_app(store: Store, clock: Clock, **changes: object):
    """Return an application whose clients may write."""
    return create_app(
        store,
        AppSettings(BASE, "9.9.9", "2026-11-21", clock=clock),
        routers=[
            messages_router(store, clock, write_settings(**changes)),
            transactions_router(store, clock, write_settings(**changes)),
            resources_router(store, clock, write_settings(**changes)),
        ],
    )


def care_team(**elements: object) -> Json:
    """Return an invented team without a patient."""
    return {
        "resourceType": "CareTeam",
        "status": "active",
        "identifier": [{"system": "urn:example:teams", "value": "T-1"}],
        "name": "Équipe du domicile",
        **elements,
    }

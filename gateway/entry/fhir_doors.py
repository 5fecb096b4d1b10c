"""Builds the FHIR doors beside reading: what is written, asked for as an operation, declared."""

from datetime import timedelta

from fastapi import APIRouter

from gateway.core.clock import Clock
from gateway.core.ports import Store
from gateway.entry.api.declarations import DeclarationSettings, declarations_router
from gateway.entry.api.export import ExportSettings, export_router
from gateway.entry.api.messages import messages_router
from gateway.entry.api.mutes import mutes_router
from gateway.entry.api.resources import resources_router
from gateway.entry.api.sockets import sockets_router
from gateway.entry.api.subscriptions import subscriptions_router
from gateway.entry.api.transactions import transactions_router
from gateway.entry.api.validation import validation_router
from gateway.entry.api.writing import WriteSettings
from gateway.entry.auth.wall import client_of
from gateway.entry.egress import build_egress
from gateway.entry.judging_resources import build_resource_judge
from gateway.entry.settings import Settings
from gateway.entry.subscribing import build_subscriptions
from gateway.fhir.identity import Ids
from gateway.fhir.search_query import ValueSets
from gateway.pathway.rulefiles import rule_ids


def build_value_sets(settings: Settings) -> ValueSets:
    """Build what lists the codes of value sets; the first call reads packages."""
    return lambda canonical: build_resource_judge(settings).codes_of(canonical)


def build_fhir_doors(
    settings: Settings, store: Store, clock: Clock, base: str
) -> tuple[APIRouter, ...]:
    """Build the FHIR doors beside reading: writes, declarations, operations."""
    subscriptions = build_subscriptions(settings, build_egress(settings), base)
    writes = build_writes(settings, base)
    kept = timedelta(hours=settings.exports.keep_hours)
    exports = ExportSettings(base, kept, settings.exports.per_client)
    declarations = DeclarationSettings(Ids(settings.id_namespace), settings.nde.declarants)
    return (
        validation_router(store, lambda: build_resource_judge(settings)),
        subscriptions_router(store, clock, subscriptions),
        sockets_router(store, clock, subscriptions),
        declarations_router(store, clock, declarations),
        mutes_router(store, clock, rule_ids(settings.pathways, settings.pathway.added), client_of),
        messages_router(store, clock, writes),
        transactions_router(store, clock, writes),
        export_router(store, clock, exports),
        resources_router(store, clock, writes),
    )


def build_writes(settings: Settings, base: str) -> WriteSettings:
    """Build what the doors that write resources need; `base` is the FHIR address."""
    return WriteSettings(
        base,
        Ids(settings.id_namespace),
        lambda: build_resource_judge(settings),
        client_of,
        settings.fhir.references,
    )

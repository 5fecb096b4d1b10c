"""Builds the house from the settings: the only place that knows which implementation is used."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from fastapi import APIRouter

from gateway import __version__
from gateway.cda.adapter import CONCEPTMAPS as CDA_CONCEPTMAPS
from gateway.cda.convert import CONVERTERS as CDA_CONVERTERS
from gateway.cda.facts import FACTS as CDA_FACTS
from gateway.cda.paths import path_fault as cda_path_fault
from gateway.connectors.http import HttpClient
from gateway.connectors.jwks import JwksFetcher
from gateway.connectors.ror_codes import CONCEPTMAPS as ROR_CONCEPTMAPS
from gateway.core.clock import Clock
from gateway.core.deliveries import Connector
from gateway.core.issues import Issue
from gateway.core.ports import Store
from gateway.entry.accounts import accounts_of
from gateway.entry.auth.keys import ClientKeys
from gateway.entry.auth.psc import Psc
from gateway.entry.auth.routes import TOKEN_PATH
from gateway.entry.auth.tokens import Tokens
from gateway.entry.directory import build_directory_watch
from gateway.entry.dmp import build_dmp
from gateway.entry.egress import build_egress
from gateway.entry.hospital import build_letters, build_mllp, mllp_rule
from gateway.entry.mail import after_sends, build_mssante
from gateway.entry.settings import Settings
from gateway.entry.sources import brought_by
from gateway.entry.subscribing import build_alerts, build_channels
from gateway.entry.web.live import Hub
from gateway.entry.web.login import gate_of, still_in
from gateway.entry.web.ops.desk import Desk, Ops
from gateway.entry.web.ops.drafts import DraftDesk
from gateway.entry.web.ops.finding import MessageFinder
from gateway.entry.web.ops.flows import Beside, FlowReader
from gateway.entry.web.ops.quarantine import QuarantineReader
from gateway.entry.web.ops.sending import DeliveryReader
from gateway.entry.web.ops.trail import JournalReader
from gateway.entry.web.people import Staff
from gateway.entry.web.pilot.routes import pilot_of
from gateway.entry.web.render import WebSettings
from gateway.entry.web.routes import web_router
from gateway.entry.web.rulebook import RuleBook, single_sectors
from gateway.entry.web.store_data import StorePageData
from gateway.entry.workers import Rhythm, Workers
from gateway.fhir.elements import table
from gateway.fhir.identity import Ids
from gateway.hl7v2.adapter import CONCEPTMAPS as HL7_CONCEPTMAPS
from gateway.hl7v2.charset import codec_of
from gateway.hl7v2.convert import CONVERTERS as HL7_CONVERTERS
from gateway.hl7v2.facts import FACTS as HL7_FACTS
from gateway.hl7v2.paths import is_path
from gateway.mapping.check import Adapter, check_mappings
from gateway.mapping.faults import unknown_charset
from gateway.mapping.loader import Mappings, load_mappings
from gateway.pathway.enrich import Tables
from gateway.pathway.published import chosen
from gateway.pathway.rulefiles import load_rules
from gateway.pathway.rules import Rules
from gateway.pipeline import departures, outgoing
from gateway.pipeline.archive import Archivist
from gateway.pipeline.commit import CommitRules
from gateway.pipeline.convert import Converter, ConvertOptions
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy, RetryRule
from gateway.pipeline.digests import Digester
from gateway.pipeline.exporting import Exporter
from gateway.pipeline.feed_watch import FeedWatch
from gateway.pipeline.folds import FOLDS
from gateway.pipeline.journal import Journal
from gateway.pipeline.receive import ReceiveLimits, Receiver
from gateway.pipeline.replay import Replayer
from gateway.pipeline.rights import Settler
from gateway.pipeline.rule_changes import RuleChanges
from gateway.pipeline.subscribed import HOOK
from gateway.pipeline.sweep import Sweep
from gateway.pipeline.to_hospital import CONNECTOR
from gateway.pipeline.viewing import ViewedStore
from gateway.pipeline.watch import Watcher, WatchSettings
from gateway.sharing.routing import CONNECTOR as MAIL
from gateway.sharing.routing_dmp import CONNECTOR as RECORD
from gateway.store.factory import open_store

#: Loopback, demo and tests take every processing id and the INS of test and demonstration.
_ALL_PROCESSING_IDS = frozenset({"P", "T", "D"})


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)


def build_converter(
    settings: Settings,
    *,
    clock: Clock | None = None,
    mappings: Mappings | None = None,
    site: str | None = None,
) -> Converter:
    """Build the converter of an installation.

    Raises:
        FatalError: a mapping file is wrong.
    """
    options = ConvertOptions(
        processing_ids=frozenset({"P"}) if settings.is_production else _ALL_PROCESSING_IDS,
        test_ins=not settings.is_production,
        site=site,
        validation=settings.receive.validation,
    )
    loaded = mappings or load_mappings(settings.mappings)
    return Converter(loaded, Ids(settings.id_namespace), clock or SystemClock(), options)


def mapping_faults(mappings: Mappings) -> list[Issue]:
    """Judge all mapping files with what the adapters know; empty when they are sound."""
    adapters = [
        Adapter("hl7v2", HL7_CONVERTERS, _hl7_path_fault, HL7_CONCEPTMAPS, HL7_FACTS),
        Adapter("cda", CDA_CONVERTERS, cda_path_fault, CDA_CONCEPTMAPS, CDA_FACTS),
    ]
    return [
        *check_mappings(mappings, adapters, table(), ROR_CONCEPTMAPS),
        *_charset_faults(mappings),
    ]


def _charset_faults(mappings: Mappings) -> list[Issue]:
    named = [site for site in mappings.sites.by_name.values() if site.charset]
    return [unknown_charset(site.name) for site in named if codec_of(site.charset) is None]


def _hl7_path_fault(path: str) -> str:
    return "" if is_path(path) else "it is not SEG, SEG-n, SEG-n.m or SEG-n.m.k"


def build_store(settings: Settings) -> Store:
    """Build the store of an installation; not opened yet."""
    return open_store(settings.store.url, timeout_s=settings.store.timeout_s)


def build_rules(settings: Settings) -> CommitRules:
    """Build the rules of the commit."""
    window = timedelta(days=settings.receive.control_id_days)
    return CommitRules(
        FOLDS,
        window,
        mails=bool(settings.mssante.smtp_host),
        record=bool(settings.dmp.base_url),
    )


def build_receiver(
    settings: Settings, store: Store, converter: Converter, clock: Clock
) -> Receiver:
    """Build the one way in."""
    receive = settings.receive
    limits = ReceiveLimits(
        threads=receive.threads,
        batch=receive.batch,
        store_early_s=receive.store_early_s,
        deadline_s=receive.deadline_s,
        waiting=receive.waiting,
    )
    return Receiver(store, converter, clock, build_rules(settings), limits)


def load_pathway_rules(settings: Settings, mappings: Mappings, folder: Path | None = None) -> Rules:
    """Read the pathway rules, with the units of the site tables.

    Args:
        settings: say which are on beside those of the first release.
        mappings: of the installation.
        folder: rules to be tried instead, whatever the settings want.

    Raises:
        FatalError: a rule file is wrong, or a setting names a rule that is not there.
    """
    tables = Tables.of(mappings.sites.by_name.values())
    if folder is not None:
        return load_rules(folder, tables)
    wanted = settings.pathway
    rules = load_rules(settings.pathways, tables, wanted.added)
    return chosen(rules, wanted.on, wanted.off)


def build_watcher(
    settings: Settings,
    store: Store,
    clock: Clock,
    mappings: Mappings,
    *,
    rules_folder: Path | None = None,
) -> Watcher:
    """Build what looks at persons."""
    # Several processes may store inputs on one PostgreSQL: the look stays behind their commits.
    shared = settings.store.url.startswith("postgresql")
    watch = WatchSettings(
        tenant=settings.tenant,
        lag=timedelta(seconds=settings.watch_lag_s if shared else 0),
    )
    rules = load_pathway_rules(settings, mappings, rules_folder)
    return Watcher(store, rules, Ids(settings.id_namespace), clock, watch, RuleChanges(rules))


def build_pages(
    settings: Settings,
    store: Store,
    clock: Clock,
    mappings: Mappings,
    converter: Converter,
    accounts: tuple[Psc | None, Journal] | None = None,
    beside: Beside | None = None,
    base: str = "",
    workbench: Callable[[Desk], APIRouter] | None = None,
) -> tuple[APIRouter, Hub]:
    """Build the pages of people, and what tells open ones that something changed."""
    psc, journal = accounts or (None, None)
    rules, ids = load_pathway_rules(settings, mappings), Ids(settings.id_namespace)
    replayer = build_replayer(settings, store, converter)
    sectors = single_sectors(mappings.sites.by_name.values())
    staff = Staff(None if psc is None else psc.people)
    viewed = ViewedStore(store, psc is not None)
    data = StorePageData(viewed, rules, ids, converter, replayer, sectors, store, staff, base)
    # What changes is looked for once for all open pages; each is told what it may be.
    hub = Hub(replace(data, store=store).pulse, uuid4().hex[:12])
    shown = WebSettings(
        __version__,
        demo=settings.environment == "test",
        # On loopback the client is known for what it is; a declared boundary changes nothing.
        behind_boundary=settings.unprotected and not settings.on_loopback,
        open_door=psc is None,
        staff=staff,
        gate=None if psc is None else gate_of(psc),
        still_in=None if psc is None else still_in(psc),
    )
    login = None if journal is None else accounts_of(psc, journal, store, settings)
    ops = None
    if journal is not None:
        held = QuarantineReader(store, replayer)
        ops = Ops(
            FlowReader(store, RuleBook(rules, sectors), ids, beside or Beside()),
            held,
            DraftDesk(
                held,
                mappings,
                lambda other: build_converter(settings, clock=clock, mappings=other),
                settings.operation.drafts,
            ),
            DeliveryReader(store, clock),
            MessageFinder(store),
            JournalReader(store),
            journal,
            workbench,
        )
    pilot = pilot_of(viewed, RuleBook(rules, sectors), ids, journal)
    return web_router(data, clock, hub, shown, login, ops, pilot), hub


def build_replayer(settings: Settings, store: Store, converter: Converter) -> Replayer:
    """Build what converts stored rows again."""
    return Replayer(store, converter, SystemClock(), build_rules(settings))


def build_tokens(settings: Settings, store: Store, clock: Clock, public_url: str) -> Tokens:
    """Build what gives access tokens to software clients, and recognises them."""
    keys = ClientKeys(JwksFetcher(build_egress(settings)), clock)
    return Tokens(store, clock, keys, f"{public_url.rstrip('/')}{TOKEN_PATH}")


def build_workers(
    settings: Settings, store: Store, clocks: tuple[Clock, Clock], mappings: Mappings, base: str
) -> tuple[Workers, HttpClient]:
    """Build the loops beside the doors, and the client to be closed after them.

    Args:
        settings: of the installation.
        store: open when they start.
        clocks: of the engine, and of what is due to leave.
        mappings: of the installation.
        base: public address of the FHIR door.

    Raises:
        FatalError: a rule file or a certificate is wrong.
    """
    clock, due_clock = clocks
    client = HttpClient(keeps_connections=False)
    connectors: list[Connector] = [
        build_channels(settings, client, build_egress(settings), due_clock)
    ]
    alerts = build_alerts(settings, base.removesuffix("/fhir"))
    if alerts is not None:
        connectors.append(alerts)
    letters = build_letters(settings, mappings, store, due_clock)
    mail = build_mssante(settings, mappings, due_clock, letters.takes)
    if mail is not None:
        connectors.append(mail[0])
    record = build_dmp(settings, mappings, due_clock)
    if record is not None:
        connectors.append(record)
    hospital = build_mllp(settings, mappings)
    if hospital is not None:
        connectors.append(hospital)
    horizon = timedelta(days=settings.hooks.horizon_days)
    policy = DeliveryPolicy(
        base,
        RetryRule(horizon),
        {HOOK: RetryRule(horizon, refusals=3), CONNECTOR: mllp_rule(settings)},
        off_after=timedelta(days=settings.hooks.off_days),
        kept_events=settings.hooks.kept_events,
        per_second=settings.hooks.events_per_second,
    )
    deliverer = Deliverer(
        store,
        connectors,
        due_clock,
        policy,
        on_settled=after_sends(settings),
        on_notice=outgoing.noticed,
        guards={MAIL: departures.guard, RECORD: departures.guard},
    )
    poll_s, looks_s = settings.hooks.poll_s, settings.directory.poll_s
    rhythm = Rhythm(poll_s, poll_s, settings.mssante.poll_s, directory_s=looks_s)
    watcher = build_watcher(settings, store, clock, mappings)
    sweep = Sweep(store, clock, watcher.settings, watcher.rules)
    archivist = Archivist(store, clock, timedelta(days=settings.pathway.archive_days))
    digester = Digester(store, Ids(settings.id_namespace), clock)
    exporter = Exporter(store, clock, timedelta(seconds=settings.watch_lag_s), base)
    workers = Workers(
        watcher,
        deliverer,
        mail[1] if mail else None,
        rhythm,
        letters=letters,
        sweep=sweep,
        archivist=archivist,
        digester=digester,
        settler=Settler(store, clock),
        feeds=FeedWatch(
            store, clock, watcher.settings, brought_by(mappings), settings.pathway.rejects_per_hour
        ),
        exporter=exporter,
        directory=build_directory_watch(settings, store, due_clock, client),
    )
    return workers, client

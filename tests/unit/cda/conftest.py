"""A context to call converters with."""

from collections.abc import Callable
from functools import cache

import pytest

from gateway.cda import adapter
from gateway.cda.context import Context
from gateway.cda.reader import Document, read
from gateway.core.contributions import Mapped, Target
from gateway.core.envelope import Envelope
from gateway.core.timestamps import parse_timestamp
from gateway.fhir.identity import Ids
from gateway.mapping.loader import load_mappings
from gateway.mapping.sites import Site
from tests.unit.cda.documents import cda

Convert = Callable[..., Mapped]


@cache
def plans() -> adapter.Plans:
    """Compile the shipped plans once."""
    return adapter.compile_plans(load_mappings())


def context_of(document: Document | None = None, *, ins_allowed: bool = False) -> Context:
    """Build a context for one converter."""
    document = document or read(cda())
    return Context(
        document=document,
        ids=Ids(),
        tables=plans().tables,
        patient=Target("Patient", "p1"),
        matricules=frozenset({("1.2.250.1.213.1.4.10", "248039999912341")} if ins_allowed else ()),
        ipp_system={"1.2.250.1.999.1.1": "https://relais.example/ns/ipp/990000010"},
        set_key="S1",
        master=("urn:ietf:rfc:3986", "urn:oid:1.2.3"),
        version=1,
        reference=Target("DocumentReference", "d1"),
        stay=None,
        created=parse_timestamp("20260312164500+0100"),
        attached=(),
        digest="0" * 64,
    )


@pytest.fixture
def context() -> Context:
    return context_of()


@pytest.fixture
def convert() -> Convert:
    """Give a function that converts the bytes of a document."""

    def run(
        body: bytes,
        envelope: Envelope | None = None,
        site: Site | None = None,
        *,
        test_ins: bool = True,
        trace: bool = False,
    ) -> Mapped:
        return adapter.contribute(
            read(body),
            plans(),
            site or Site(name="essai", finess="990000010"),
            Ids(),
            digest="0" * 64,
            envelope=envelope,
            test_ins=test_ins,
            trace=trace,
        )

    return run

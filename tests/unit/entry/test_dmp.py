"""The way to the shared record, built from settings."""

import pytest

from gateway.connectors.dmp_pdsm import PdsmDialect
from gateway.connectors.dmp_xds import XdsDialect
from gateway.core.errors import FatalError
from gateway.entry.dmp import build_dmp
from gateway.entry.settings import DmpSettings, load
from gateway.entry.wiring import build_rules
from gateway.mapping.loader import load_mappings
from tests.support.dmp import EG, Hands, pki_in


@pytest.fixture
def named(tmp_path):
    """Give settings that name a record."""
    pki = pki_in(tmp_path)
    return {
        "base_url": "https://dmp.example/services/",
        "authority": pki.authority,
        "certificate": pki.client,
        "sign_certificate": pki.signer,
        "structures": (EG,),
    }


def built(**part):
    return build_dmp(load(dmp=DmpSettings(**part)), load_mappings(), Hands())


def code_of(**part):
    with pytest.raises(FatalError) as caught:
        built(**part)
    return caught.value.issues[0].code


def test_nothing_is_fed_until_an_address_is_named(named):
    assert built(**(named | {"base_url": ""})) is None
    assert not build_rules(load()).record


def test_with_an_address_letters_are_queued_and_fed(named):
    assert isinstance(built(**named)._dialect, XdsDialect)
    assert build_rules(load(dmp=DmpSettings(**named))).record


def test_the_second_dialect_needs_no_certificate_to_sign_with(named):
    del named["sign_certificate"]

    assert isinstance(built(**named, dialect="pdsm")._dialect, PdsmDialect)
    assert code_of(**named) == "RLS-DMP-041"


@pytest.mark.parametrize("missing", ["authority", "certificate", "sign_certificate", "structures"])
def test_an_address_alone_stops_the_start(named, missing):
    del named[missing]

    assert code_of(**named) == "RLS-DMP-041"


@pytest.mark.parametrize("missing", ["authority", "certificate", "sign_certificate"])
def test_a_file_that_is_not_there_stops_the_start(named, missing):
    named[missing].unlink()

    assert code_of(**named) == "RLS-DMP-040"


@pytest.mark.parametrize("dialect", ["xds", "pdsm"])
def test_a_production_address_stops_the_start_of_a_test_installation(named, dialect):
    assert code_of(**named, environment="production", dialect=dialect) == "RLS-DMP-003"


def test_a_test_certificate_stops_the_start_in_production(named):
    settings = load(dmp=DmpSettings(**named, environment="production"), environment="production")

    with pytest.raises(FatalError, match="RLS-DMP-003"):
        build_dmp(settings, load_mappings(), Hands())

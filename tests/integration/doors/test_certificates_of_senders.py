"""A whole gateway over MLLPS: a sender is heard with its own certificate only.

Certificates are issued for the test and shown in a TLS handshake on a real socket.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from prometheus_client import CollectorRegistry

from gateway.core.datafiles import data_folder
from gateway.entry.sender_lines import Address, MllpLine
from gateway.entry.serve import Gateway
from gateway.entry.settings import load
from gateway.entry.tls import client_context
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import admission, with_msh

SITE = """name: {name}
finess: "{finess}"
sources:
  - {{facility: {facility}, certificate: "{certificate}"}}
"""


class Keys:
    """A throw-away authority, a server and the clients of two hospitals."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._folder = folder
        self.ca = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.ca)
        self.server = self.issue("localhost", "127.0.0.1")
        self.ours = self.issue("dpi.chu-a.example")
        self.theirs = self.issue("dpi.ch-b.example")

    def issue(self, *names: str) -> Path:
        path = self._folder / f"{names[0]}.pem"
        self._authority.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(path)
        return path


def fingerprint(certificate: Path) -> str:
    pem = certificate.read_bytes()
    found = x509.load_pem_x509_certificate(pem[pem.index(b"-----BEGIN CERT") :])
    return found.fingerprint(hashes.SHA256()).hex()


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
async def gateway(tmp_path, keys):
    mappings = tmp_path / "mappings"
    shutil.copytree(data_folder("mappings"), mappings)
    for name, finess, certificate in (
        ("chu-a", "990000001", keys.ours),
        ("ch-b", "990000209", keys.theirs),
    ):
        text = SITE.format(
            name=name,
            finess=finess,
            facility=name.upper(),
            certificate=fingerprint(certificate),
        )
        (mappings / "sites" / f"{name}.yaml").write_text(text, encoding="utf-8")
    made = Gateway(
        load(
            mappings=mappings,
            store={"url": f"sqlite:///{tmp_path}/serve.db"},
            http={"port": 0},
            mllp={"port": 0},
            mllps={"port": 0, "certificate": keys.server, "client_ca": keys.ca},
        ),
        registry=CollectorRegistry(),
    )
    await made.start()
    yield made
    await made.stop()


async def answered(gateway, keys, certificate: Path, facility: str):
    """Send an admission of a facility under a certificate; return the ACK."""
    address = Address.parse(f"mllps://127.0.0.1:{gateway.mllp_ports[1]}")
    tls = client_context(keys.ca, certificate=certificate)
    line = await MllpLine.open(address, tls=tls)
    body = admission(MSH=with_msh(4, facility))
    answer = read(await line.exchange(body, 20))
    line.close()
    return answer


def kept(tmp_path: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """Return (status, facility) of each input, and the kinds of incidents."""
    with closing(sqlite3.connect(tmp_path / "serve.db")) as connection:
        rows = connection.execute("SELECT status, sender_facility FROM inbox ORDER BY id")
        incidents = connection.execute("SELECT kind FROM incident ORDER BY id")
        return rows.fetchall(), [kind for (kind,) in incidents]


@pytest.mark.field("FL-024")
async def test_a_sender_is_heard_with_its_own_certificate(gateway, keys, tmp_path):
    answer = await answered(gateway, keys, keys.ours, "CHU-A")

    assert (answer.value("MSA-1"), answer.value("MSA-2")) == ("AA", "G0001")
    assert kept(tmp_path) == ([("converted", "CHU-A")], [])


@pytest.mark.field("FL-024")
@pytest.mark.parametrize(
    "facility",
    [
        pytest.param("CHU-A", id="a sender that has a certificate of its own"),
        pytest.param("CHU-DEMO", id="a sender that has none"),
        pytest.param("ELSEWHERE", id="a sender of no site table"),
    ],
)
async def test_the_certificate_of_another_sender_is_refused(gateway, keys, tmp_path, facility):
    answer = await answered(gateway, keys, keys.theirs, facility)

    found = [answer.value(place) for place in ("MSA-1", "MSA-2", "ERR-3.1", "ERR-2.1")]
    assert found == ["AR", "G0001", "207", "MSH"]
    assert "RLS-NET-021" in answer.value("ERR-7")
    # A stranger uses up no control id of the sender it names: the row has none.
    assert kept(tmp_path) == ([("quarantined", "")], ["sender-not-allowed"])


@pytest.mark.field("FL-024")
async def test_the_refused_message_is_taken_from_its_own_sender_afterwards(gateway, keys, tmp_path):
    refused = await answered(gateway, keys, keys.theirs, "CHU-A")
    accepted = await answered(gateway, keys, keys.ours, "CHU-A")

    assert [one.value("MSA-1") for one in (refused, accepted)] == ["AR", "AA"]
    assert kept(tmp_path)[0] == [("quarantined", ""), ("converted", "CHU-A")]


async def test_a_certificate_of_nobody_speaks_for_no_bound_sender(gateway, keys):
    nobody = keys.issue("dpi.nobody.example")

    answers = [await answered(gateway, keys, nobody, name) for name in ("CHU-A", "CHU-DEMO")]

    assert [one.value("MSA-1") for one in answers] == ["AR", "AA"]


async def test_a_bound_sender_is_not_heard_without_tls(gateway):
    line = await MllpLine.open(Address.parse(f"mllp://127.0.0.1:{gateway.mllp_ports[0]}"))

    answer = read(await line.exchange(admission(MSH=with_msh(4, "CHU-A")), 20))
    line.close()

    assert answer.value("MSA-1") == "AR"

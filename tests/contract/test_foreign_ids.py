"""Identifiers that are illegal on the other side: written in its form, or refused before it."""

import re
from uuid import UUID

import pytest
from lxml import etree

from gateway.cda.reader import read
from gateway.cda.xds_metadata import describe
from gateway.connectors.mssante_mail import build
from gateway.core.errors import RejectedError
from tests.support import mail
from tests.support.dmp import CONCEPTMAPS, letter, named, record, submission

#: XML Namespaces 1.0: no colon, no digit first.
_NCNAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
_UUID = "b2f1c1a0-0000-4000-8000-00000000000a"


def with_id(root: str) -> bytes:
    """Return the letter under another id."""
    return letter().replace(f'<id root="{named(letter())}"'.encode(), f'<id root="{root}"'.encode())


@pytest.mark.field("FL-193")
@pytest.mark.parametrize("root", ["http://hopital.example/doc/1", "urn:uuid:x", "DOC-1"])
def test_an_id_that_is_no_oid_is_refused_before_it_is_packed(root):
    body = with_id(root)
    assert body != letter()

    with pytest.raises(RejectedError) as caught:
        build(mail.delivery(body), mail.SENDER, CONCEPTMAPS)

    assert [(one.code, one.where) for one in caught.value.issues] == [
        ("RLS-MSS-001", "ClinicalDocument/id")
    ]


@pytest.mark.field("FL-193")
def test_a_uuid_is_written_as_the_oid_it_is():
    entry = describe(read(with_id(_UUID)), CONCEPTMAPS, ins_trusted=True)

    assert entry.unique_id == f"2.25.{UUID(_UUID).int}"


@pytest.mark.field("FL-193")
async def test_every_id_that_leaves_for_the_record_is_a_name_of_xml(tmp_path):
    async with record(tmp_path) as shared:
        body = shared.dialect.request(submission()).body

    parts = re.findall(rb"\r\n\r\n(<.*?)\r\n--", body, re.DOTALL)
    trees = [etree.fromstring(part) for part in parts]
    ids = [
        value
        for tree in trees
        for node in tree.iter()
        for name, value in node.attrib.items()
        if etree.QName(name).localname in ("ID", "Id")
    ]

    # Envelope, letter, signature of the lot.
    assert len(trees) == 3
    assert len(ids) >= 3
    assert [one for one in ids if not _NCNAME.fullmatch(one)] == []

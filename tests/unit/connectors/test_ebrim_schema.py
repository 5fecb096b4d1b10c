"""Metadata of every way out against a schema of the profiled ebRIM, judged by lxml.

The schema is our own reading of ebRIM 3.0 and IHE ITI TF-3 4.2.5, written apart from the writer;
each of its rules is shown to refuse something.
"""

from functools import lru_cache

import pytest
from lxml import etree

from gateway.connectors import dmp_messages
from gateway.connectors.ebrim import LCM, RIM, Member
from gateway.connectors.ebrim import submission as archive_metadata
from tests.conftest import ROOT
from tests.support.dmp import NOW, submission

OLD = "urn:uuid:0b4d0000-0000-4000-8000-000000000000"
SUBMIT = f"{{{LCM}}}SubmitObjectsRequest"


@lru_cache
def schema():
    path = ROOT / "tests" / "support" / "schemas" / "lcm.xsd"
    return etree.XMLSchema(etree.parse(path))


def members(number):
    made = submission(number)
    lot = made.lot("2.25.1", NOW)
    return lot, Member(made.entry), Member(made.signature_entry("2.25.2", b"<x/>", NOW))


def fed(number, replaced=""):
    lot, document, signature = members(number)
    return dmp_messages.feeding(lot, document, signature, replaced).find(SUBMIT)


def deleted():
    return dmp_messages.deleting(members(0)[0], OLD)


def archived():
    lot, document, _ = members(0)
    named = Member(document.entry, "DOC00001.XML")
    return etree.fromstring(archive_metadata(lot, [named]))


MADE = {
    "fed": lambda: fed(0),
    "level 1": lambda: fed(1),
    "replaced": lambda: fed(1, OLD),
    "of another patient": lambda: fed(2),
    "deleted": deleted,
    "archived": archived,
}


def alone(element):
    """Return an element as the root of its own document."""
    return etree.fromstring(etree.tostring(element))


@pytest.mark.parametrize("name", MADE)
def test_what_we_write_is_valid(name):
    checked = schema()

    assert checked.validate(alone(MADE[name]())), checked.error_log


def set_(path, name, value):
    return lambda root: root.find(path).set(name, value)


def drop(path):
    def change(root):
        found = root.find(path)
        found.getparent().remove(found)

    return change


def to_end(path):
    def change(root):
        found = root.find(path)
        found.getparent().append(found)

    return change


def text(path, value):
    def change(root):
        root.find(path).text = value

    return change


def same_id(root):
    ids = root.findall(f".//{{{RIM}}}ExtrinsicObject")
    ids[1].set("id", ids[0].get("id"))


R = f"{{{RIM}}}"
PACKAGE, ENTRY, LINK = f".//{R}RegistryPackage", f".//{R}ExtrinsicObject", f".//{R}Association"
CODE, NUMBER = f"{ENTRY}/{R}Classification", f"{ENTRY}/{R}ExternalIdentifier"
TYPE = f"{CODE}[@classificationScheme='urn:uuid:f0306f51-975f-434e-a61c-c59651d33983']"
STRANGER = "urn:uuid:11111111-1111-4111-8111-111111111111"
BROKEN = {
    "no lot": drop(PACKAGE),
    "lot not classified": drop(f".//{R}RegistryObjectList/{R}Classification"),
    "no time of submission": drop(f"{PACKAGE}/{R}Slot"),
    "local time of submission": text(f"{PACKAGE}/{R}Slot//{R}Value", "20260302103000+0100"),
    "lot without identifier": drop(f"{PACKAGE}/{R}ExternalIdentifier"),
    "no title": drop(f"{ENTRY}/{R}Name"),
    "title before the slots": to_end(f"{ENTRY}/{R}Slot"),
    "unknown slot": set_(f"{ENTRY}/{R}Slot", "name", "creationDate"),
    "empty slot": drop(f"{ENTRY}/{R}Slot//{R}Value"),
    "empty value": text(f"{ENTRY}/{R}Slot//{R}Value", ""),
    "unknown scheme": set_(CODE, "classificationScheme", STRANGER),
    "code of nothing": set_(CODE, "classifiedObject", STRANGER),
    "code without system": drop(f"{TYPE}/{R}Slot"),
    "unknown slot of a code": set_(f"{CODE}/{R}Slot", "name", "codeSystem"),
    "identifier of nothing": set_(NUMBER, "registryObject", STRANGER),
    "unknown identification": set_(NUMBER, "identificationScheme", STRANGER),
    "empty identifier": set_(NUMBER, "value", ""),
    "no identifier": drop(NUMBER),
    "id twice": same_id,
    "id no uuid": set_(ENTRY, "id", "Document01"),
    "unknown type of document": set_(ENTRY, "mimeType", "application/pdf"),
    "not stable": set_(ENTRY, "objectType", STRANGER),
    "unknown link": set_(LINK, "associationType", "urn:ihe:iti:2010:AssociationType:RPLC"),
    "link from nothing": set_(LINK, "sourceObject", STRANGER),
    "link without its slot": drop(f"{LINK}/{R}Slot"),
    "unknown slot of a link": set_(f"{LINK}/{R}Slot", "name", "Status"),
    "identifier before codes": to_end(CODE),
    "other charset": set_(f"{ENTRY}/{R}Name/{R}LocalizedString", "charset", "ISO-8859-1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_of_the_schema_refuses_something(name):
    root = alone(fed(0))

    BROKEN[name](root)

    assert not schema().validate(root)

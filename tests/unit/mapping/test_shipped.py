"""The mapping files that ship: everything they name exists, and everything is used."""

from gateway.cda.adapter import CONCEPTMAPS as CDA_CONCEPTMAPS
from gateway.cda.convert import CONVERTERS as CDA_CONVERTERS
from gateway.cda.facts import FACTS as CDA_FACTS
from gateway.cda.reader import path_fault
from gateway.connectors.ror_codes import CONCEPTMAPS as ROR_CONCEPTMAPS
from gateway.fhir import elements
from gateway.hl7v2.adapter import CONCEPTMAPS as HL7_CONCEPTMAPS
from gateway.hl7v2.convert import CONVERTERS as HL7_CONVERTERS
from gateway.hl7v2.facts import FACTS as HL7_FACTS
from gateway.hl7v2.paths import is_path
from gateway.mapping.check import Adapter, check_mappings
from gateway.mapping.loader import load_mappings

ADAPTERS = [
    Adapter(
        "hl7v2",
        HL7_CONVERTERS,
        lambda path: "" if is_path(path) else "not SEG-n[.m[.k]]",
        HL7_CONCEPTMAPS,
        HL7_FACTS,
    ),
    Adapter(
        "cda",
        CDA_CONVERTERS,
        path_fault,
        CDA_CONCEPTMAPS,
        CDA_FACTS,
    ),
]


def test_shipped_mapping_files_are_sound():
    issues = check_mappings(load_mappings(), ADAPTERS, elements.table(), ROR_CONCEPTMAPS)

    assert [str(issue) for issue in issues] == []

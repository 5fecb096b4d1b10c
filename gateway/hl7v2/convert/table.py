"""The table of HL7 v2 converters: what `via` may name in `mappings/hl7v2`."""

from gateway.hl7v2.message import selector
from gateway.mapping.converters import Converters

CONVERTERS = Converters(selector)
converter = CONVERTERS.converter

FR_CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
FR_SYSTEM = "https://hl7.fr/ig/fhir/core/CodeSystem/"
V2_SYSTEM = "http://terminology.hl7.org/CodeSystem/v2-"
V3_SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-"

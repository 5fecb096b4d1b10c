"""HTTP routes: HL7 v2 and CDA doors, FHIR REST, health."""

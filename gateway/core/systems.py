"""Bases of the URLs Relais defines itself."""

#: Identifier systems of Relais, such as `<base>/ipp/<FINESS>`.
IDENTIFIER_BASE = "https://relais.example/ns"
#: Canonical base of the FHIR server, its code systems and extensions.
FHIR_BASE = "https://relais.example/fhir"

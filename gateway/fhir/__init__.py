"""FHIR R4 knowledge: identity, shape, fold, bundle, search."""

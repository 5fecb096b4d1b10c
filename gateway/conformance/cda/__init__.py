"""Judges CDA documents by our own rules; `conformance.toolkit` runs those of a test kit."""

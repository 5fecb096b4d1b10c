"""Runs a published test kit for CDA: its XML schema and schematrons, in processes of their own."""

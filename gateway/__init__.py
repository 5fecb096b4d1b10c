"""Relais: the gateway that notices the handoff that did not happen."""

__version__ = "0.1.0"

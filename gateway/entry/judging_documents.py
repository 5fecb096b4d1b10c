"""Judges CDA documents by all checks: our own, value sets, a test kit, and what the door says.

Keeps nothing. Does not print (`entry.cli_validate`).
"""

from types import TracebackType
from typing import Self

from gateway import __version__
from gateway.cda.reader import read
from gateway.conformance.cda.profiles import load_cda_profiles
from gateway.conformance.cda.validate import CdaValidator, DoorAnswer
from gateway.conformance.cda.value_sets import ValueSets, load_value_sets
from gateway.conformance.finding import Check, Report
from gateway.conformance.toolkit.judge import Toolkit, Verdict
from gateway.conformance.toolkit.kit import VALUE_SETS, find_kit
from gateway.core.errors import RejectedError
from gateway.core.messages import InboxStatus, RawMessage
from gateway.entry.judging import TAKEN, build_converter
from gateway.entry.settings import CdaSettings, Settings
from gateway.pipeline.convert import Converter
from gateway.pipeline.prepared import Prepared

_KIT = "schema and schematrons"


class DocumentJudge:
    """Judges documents; the first one of a test kit may take a minute."""

    def __init__(
        self, validator: CdaValidator, converter: Converter, toolkit: Toolkit | None
    ) -> None:
        self._validator = validator
        self._converter = converter
        self._toolkit = toolkit

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._toolkit is not None:
            self._toolkit.close()

    def __call__(self, raw: RawMessage, name: str) -> Report:
        """Judge one document.

        Args:
            raw: the input.
            name: of it, for the report.
        """
        return self.report(self._converter.prepare(self._converter.open(raw)), name)

    def report(self, prepared: Prepared, name: str) -> Report:
        """Judge a document that the converter has prepared.

        Args:
            prepared: by the converter of this judge.
            name: of the input, for the report.
        """
        body = prepared.opened.raw.body
        refused = "422" if prepared.status is InboxStatus.QUARANTINED else ""
        door = DoorAnswer("201" if prepared.status in TAKEN else refused, prepared.issues)
        verdict = self._by_kit(body)
        return self._validator.validate(
            body, name=name, door=door, more=verdict.findings, checks=verdict.checks
        )

    def _by_kit(self, body: bytes) -> Verdict:
        if self._toolkit is None:
            note = "RELAIS_CDA_TOOLKIT names no test kit"
            return Verdict((), (Check(_KIT, "", ran=False, note=note),))
        try:
            document = read(body)
        except RejectedError:
            note = "the document could not be read"
            return Verdict((), (Check(_KIT, "", ran=False, note=note),))
        return self._toolkit.judge(document)


def build_document_judge(settings: Settings, site: str | None = None) -> DocumentJudge:
    """Build a judge on the mappings, profiles, value sets and test kit of an installation.

    Args:
        settings: of the installation.
        site: name of the site table to use whatever the sender.

    Raises:
        FatalError: a file is wrong, a folder is not what it should be, or there is no such site
            (RLS-CFG-113, 115, 121, 122).
    """
    profiles = load_cda_profiles()
    own = settings.cda
    toolkit = None
    if own.toolkit is not None:
        toolkit = Toolkit(
            find_kit(own.toolkit),
            profiles.models,
            workers=own.toolkit_workers,
            seconds=own.toolkit_seconds,
        )
    validator = CdaValidator(profiles, __version__, value_sets_of(own))
    return DocumentJudge(validator, build_converter(settings, site), toolkit)


def value_sets_of(settings: CdaSettings) -> ValueSets | None:
    """Return the configured value sets, else those of the test kit, else None."""
    folder = settings.value_sets
    if folder is None and settings.toolkit is not None:
        folder = settings.toolkit / VALUE_SETS
    return None if folder is None else load_value_sets(folder)

"""Judges an HL7 v2 message by all checks and by what the door of the gateway really says to it.

Keeps nothing. Does not print (`entry.cli_validate`) nor listen (`entry.listening`); documents are
judged in `entry.judging_documents`.
"""

from collections.abc import Iterable

from gateway.conformance.finding import Report
from gateway.conformance.profiles import load_profiles
from gateway.conformance.validate import DoorWord, Validator
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import InboxStatus, RawMessage
from gateway.entry.settings import Settings
from gateway.entry.wiring import SystemClock
from gateway.fhir.identity import Ids
from gateway.hl7v2 import ack
from gateway.mapping.loader import Mappings, load_mappings
from gateway.pipeline.convert import Converter, ConvertOptions
from gateway.pipeline.prepared import Prepared

#: A message is judged wherever it is meant to go.
PROCESSING_IDS = frozenset({"P", "T", "D"})
#: Of inputs that a door takes.
TAKEN = frozenset({InboxStatus.CONVERTED, InboxStatus.IGNORED, InboxStatus.RECEIVED})


class Judge:
    """Judges messages; stateless."""

    def __init__(self, validator: Validator, converter: Converter) -> None:
        self._validator = validator
        self._converter = converter

    def __call__(self, raw: RawMessage, name: str) -> Report:
        """Judge one HL7 v2 message.

        Args:
            raw: the input.
            name: of it, for the report.
        """
        return self.report(self._converter.prepare(self._converter.open(raw)), name)

    def report(self, prepared: Prepared, name: str) -> Report:
        """Judge a message that the converter has prepared.

        Args:
            prepared: by the converter of this judge.
            name: of the input, for the report.
        """
        opened = prepared.opened
        door = DoorWord(_answer(prepared), prepared.issues)
        return self._validator.validate(opened.raw.body, opened.site, name=name, door=door)


def build_judge(settings: Settings, site: str | None = None) -> Judge:
    """Build a judge on the mappings and profiles of an installation.

    Args:
        settings: of the installation.
        site: name of the site table to use whatever the sender.

    Raises:
        FatalError: a file is wrong, or there is no such site (RLS-CFG-113).
    """
    return Judge(Validator(load_profiles(), PROCESSING_IDS), build_converter(settings, site))


def build_converter(
    settings: Settings, site: str | None = None, mappings: Mappings | None = None
) -> Converter:
    """Build a converter that takes whatever a judge is given.

    Args:
        settings: of the installation.
        site: name of the site table to use whatever the sender.
        mappings: those of the settings by default.

    Raises:
        FatalError: a file is wrong, or there is no such site (RLS-CFG-113).
    """
    mappings = mappings or load_mappings(settings.mappings)
    if site is not None and site not in mappings.sites.by_name:
        raise FatalError([_no_site(site, mappings.sites.by_name)])
    options = ConvertOptions(processing_ids=PROCESSING_IDS, test_ins=True, site=site)
    return Converter(mappings, Ids(settings.id_namespace), SystemClock(), options)


def _answer(prepared: Prepared) -> str:
    if prepared.unanswered:
        return ""
    if prepared.status in TAKEN:
        return "AA"
    return ack.code_for([issue for issue in prepared.issues if issue.severity.refuses])


def _no_site(site: str, known: Iterable[str]) -> Issue:
    return Issue(
        code="RLS-CFG-113",
        severity=Severity.ERROR,
        where="--site",
        what=f"there is no site table '{site}'.",
        fix=f"Give one of: {', '.join(sorted(known))}.",
    )

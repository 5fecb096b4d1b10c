"""Codes of a submission against the value sets (JDV) of the record, before anything is sent.

Does not read files (`entry.dmp`). Standards: CI-SIS volet Partage de documents de santé, value
sets of XDS metadata: those of the project (DMP), else those of CI-SIS.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.cda.xds_metadata import Code, DocumentEntry
from gateway.connectors import dmp_faults as faults
from gateway.core.issues import Issue

#: The lists of each attribute, by their published number: that of the DMP first, then that of
#: CI-SIS. authorRole is a free label and eventCodeList takes any nomenclature: no list bounds them.
BOUND: Mapping[str, tuple[str, ...]] = {
    "typeCode": ("J66", "J07"),
    "classCode": ("J57", "J06"),
    "formatCode": ("J60", "J10"),
    "practiceSettingCode": ("J62", "J04"),
    "healthcareFacilityTypeCode": ("J61", "J02"),
    "confidentialityCode": ("J58", "J08"),
    "authorSpecialty": ("J56", "J01"),
    "contentTypeCode": ("J59",),
}


class CodeList(Protocol):
    """One value set."""

    @property
    def name(self) -> str:
        """Return what it calls itself."""
        ...

    @property
    def version(self) -> str:
        """Return version and day, empty when it tells neither."""
        ...

    def holds(self, code: str, system: str) -> bool:
        """Tell whether a code is in it."""
        ...

    def end_of(self, code: str, system: str) -> str:
        """Return the day a code was withdrawn, YYYY-MM-DD, empty when it was not."""
        ...


@dataclass(frozen=True, slots=True)
class CodeLists:
    """The lists an installation has.

    Attributes:
        by_attribute: list of each attribute that has one.
    """

    by_attribute: Mapping[str, CodeList] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the attributes whose codes are sent unjudged."""
        return tuple(name for name in BOUND if name not in self.by_attribute)

    def judge(self, entry: DocumentEntry, content_type: Code) -> list[Issue]:
        """Return what the lists say against a submission; empty when nothing.

        Args:
            entry: metadata of the document.
            content_type: kind of care of the submission set.

        Returns:
            RLS-DMP-060, one for each code that no list holds, or that was withdrawn before the
            document was made.
        """
        made = entry.creation_time[:8]
        return [
            issue
            for attribute, code in _codes(entry, content_type)
            if code.code
            for issue in self._judge(attribute, code, made)
        ]

    def _judge(self, attribute: str, code: Code, made: str) -> Iterator[Issue]:
        known = self.by_attribute.get(attribute)
        if known is None:
            return
        source = f"{known.name} {known.version}".strip()
        shown = f"{code.code} ({code.system})"
        if not known.holds(code.code, code.system):
            yield faults.not_in_list(attribute, f"{shown} is not in {source}.")
            return
        end = known.end_of(code.code, code.system)
        if end and end.replace("-", "") <= made:
            yield faults.not_in_list(attribute, f"{shown} was withdrawn from {source} on {end}.")


def _codes(entry: DocumentEntry, content_type: Code) -> Iterator[tuple[str, Code]]:
    yield "typeCode", entry.type_code
    yield "classCode", entry.class_code
    yield "formatCode", entry.format_code
    if entry.practice_setting is not None:
        yield "practiceSettingCode", entry.practice_setting
    if entry.facility_type is not None:
        yield "healthcareFacilityTypeCode", entry.facility_type
    for code in entry.confidentiality:
        yield "confidentialityCode", code
    for author in entry.authors:
        specialty, label, system = (*author.specialty.split("^"), "", "")[:3]
        if specialty:
            yield "authorSpecialty", Code(specialty, system, label)
    yield "contentTypeCode", content_type

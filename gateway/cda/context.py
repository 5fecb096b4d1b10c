"""What every CDA converter is given: the document's computed keys and the tables of its site."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from gateway.cda.entries import EntryKey, part_key
from gateway.cda.reader import Document, Node
from gateway.core.contributions import Json, Target
from gateway.core.digits import whole_number
from gateway.core.envelope import Envelope
from gateway.core.issues import Issue
from gateway.core.timestamps import Timestamp
from gateway.fhir.identity import Ids, document_key, master_identifier
from gateway.mapping.sites import DEFAULT_SITE, Site


@dataclass(frozen=True, slots=True)
class Tables:
    """Code tables read by converters, from `mappings/conceptmaps`.

    Attributes:
        systems: OID to URI (`cda-code-systems`).
        units: UCUM codes that may be claimed (`cda-units`).
        requests: kind of request by code of a planned act (`cancer-request-kind`).
        severities: SNOMED CT severity to that of a reaction (`cda-severity`), empty: none.
    """

    systems: Mapping[str, str]
    units: Mapping[str, str]
    requests: Mapping[str, str]
    severities: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Attached:
    """Bytes a document carries or is: what a Binary and an attachment need.

    Attributes:
        data: decoded bytes.
        content_type: by content, not by announcement.
        sha256: hex.
        format_key: key of the concept map of XDS formats.
    """

    data: bytes
    content_type: str
    sha256: str
    format_key: str


def set_key(site: Site, patient: Target, root: str, extension: str) -> str:
    """Return what all versions of a document share in computed ids and in facts.

    The setId alone, as CDA R2 4.2.1.7 makes it unique: a version that names its patient by another
    number still speaks for the versions before it. At a site that gives one to the documents of
    everybody it says nothing without the patient.

    Args:
        site: of the sender.
        patient: whom the document is about.
        root: of the setId, else of the document id.
        extension: likewise.
    """
    key = document_key(root, extension)
    return f"{patient.id}#{key}" if site.set_ids == "shared" else key


@dataclass(frozen=True, slots=True)
class Context:
    """One document on its way to FHIR.

    Attributes:
        ids: makes computed ids.
        tables: code tables.
        patient: Patient everything is about.
        matricules: (root, extension) of each INS of the document that may be written.
        ipp_system: identifier system by root of recordTarget ids that are not an INS.
        set_key: key of the setId in computed ids and in facts (`set_key`).
        master: masterIdentifier, (system, value).
        version: versionNumber, 0 when absent.
        reference: DocumentReference of this document.
        stay: Encounter of the stay, None when the document tells of none.
        created: effectiveTime.
        attached: the document itself, then the decoded level-1 body if there is one.
        media: what is embedded in a structured body, by `Node.key`.
        digest: SHA-256 of the input, hex.
        site: the table of the hospital it comes from.
        entries: key of each clinical statement.
        noticed: data-quality flags found on the way, in order.
        issues: what is wrong with the document and belongs to no value of a resource.
        memo: references already made, by kind and `Node.key`: one author signs many entries.
        made: `Type/id` of what was made from each statement or section, by `Node.key`.
        holders: the statements that gave something, by each element around them up to the section.
    """

    document: Document
    ids: Ids
    tables: Tables
    patient: Target
    matricules: frozenset[tuple[str, str]]
    ipp_system: Mapping[str, str]
    set_key: str
    master: tuple[str, str]
    version: int
    reference: Target
    stay: Target | None
    created: Timestamp
    attached: tuple[Attached, ...]
    digest: str
    envelope: Envelope | None = None
    site: Site = DEFAULT_SITE
    media: Mapping[Node, Attached] = field(default_factory=dict)
    entries: dict[Node, EntryKey] = field(default_factory=dict)
    noticed: dict[str, None] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    memo: dict[tuple[str, Any], Any] = field(default_factory=dict)
    made: dict[Node, list[str]] = field(default_factory=dict)
    holders: dict[Node, list[Node]] = field(default_factory=dict)

    @property
    def ins_allowed(self) -> bool:
        """Tell whether the document carries an INS that may be written."""
        return bool(self.matricules)

    @property
    def systems(self) -> Mapping[str, str]:
        """Return the URI of each known OID."""
        return self.tables.systems

    @property
    def units(self) -> Mapping[str, str]:
        """Return the UCUM code of each known unit."""
        return self.tables.units

    @property
    def document_key(self) -> str:
        """Return what all versions of this document share: patient and setId, as a hash.

        The patient is in it, because some senders give one setId to everybody's documents.
        """
        place = ("document key", "")
        known: str | None = self.memo.get(place)
        if known is None:
            name = self.set_key if self.shares_sets else f"{self.patient.id}#{self.set_key}"
            known = self.memo[place] = blake2b(name.encode(), digest_size=16).hexdigest()
        return known

    @property
    def shares_sets(self) -> bool:
        """Tell whether the site gives one setId to the documents of several persons."""
        return self.site.set_ids == "shared"

    def set_key_of(self, root: str, extension: str) -> str:
        """Return the key of another set, or document, of the same site and person."""
        return set_key(self.site, self.patient, root, extension)

    @property
    def composition(self) -> Target:
        """Return the Composition of this document."""
        return Target("Composition", self.ids.composition(*self.master))

    @property
    def makes_stay(self) -> bool:
        """Tell whether the document makes an Encounter, as no message names its stay."""
        return self.stay is not None and (self.envelope is None or self.envelope.stay is None)

    def subject(self) -> Json:
        """Return a reference to the patient."""
        return {"reference": f"Patient/{self.patient.id}"}

    def document_id(self, node: Node) -> str:
        """Return the id of the DocumentReference that an id element names."""
        return self.ids.document(*master_identifier(node.get("root"), node.get("extension")))

    def version_before(self) -> str | None:
        """Return versionNumber of the document this one replaces, None when it replaces none.

        Spec: CDA R2 relatedDocument RPLC: the parent has the same setId and a lower number.
        """
        parent = self.document.select("cda:relatedDocument[@typeCode='RPLC']/cda:parentDocument")
        if not parent or self.version < 2:
            return None
        said = parent[0].child("versionNumber")
        before = said.get("value") if said is not None else ""
        return before if whole_number(before) is not None else str(self.version - 1)

    def making(self, type_: str, node: Node) -> str | None:
        """Return the id of the resource being made from a statement, and note that it is made."""
        found = self.entry_id(type_, node)
        if found is not None:
            self.note(type_, found, node)
        return found

    def note(self, type_: str, id_: str, node: Node) -> None:
        """Note that a statement or a section gave a resource."""
        if node.key not in self.made:
            # Looked up by what holds it: a document may have thousands of statements.
            above = node.parent
            while above is not None:
                self.holders.setdefault(above, []).append(node.key)
                above = above.parent if above.tag != "section" else None
        self.made.setdefault(node.key, []).append(f"{type_}/{id_}")

    def is_made_inside(self, statement: Node) -> bool:
        """Tell whether a statement, or one inside it, gave a resource."""
        return statement.key in self.made or statement.key in self.holders

    def made_in(self, section: Node) -> list[str]:
        """Return `Type/id` of what a section and its entries gave, those of its sections not."""
        nodes = [section.key, *self.holders.get(section.key, ())]
        return list(dict.fromkeys(name for node in nodes for name in self.made.get(node, ())))

    def entry_id(self, type_: str, node: Node) -> str | None:
        """Return the id of the resource made from a clinical statement."""
        key = self.entries.get(node.key) or part_key(node, self.entries)
        if key is None:
            return None
        return self.ids.document_entry(
            type_, self.set_key, key.section, key.code, key.qualifier, key.n
        )

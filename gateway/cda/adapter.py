"""Turns a read document into contributions: the door of this package to the pipeline.

Does not read bytes (`cda.reader`), fold or store. CI-SIS volet Structuration minimale and the
volet of each model; the plan of a document is chosen by its template, else by its code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from gateway.cda import facts, faults
from gateway.cda.bodies import attached_to, media_of, model_of
from gateway.cda.coherence import contradictions
from gateway.cda.contacts import is_unreadable, stamp
from gateway.cda.context import Context, Tables, set_key
from gateway.cda.convert import CONVERTERS
from gateway.cda.entries import entry_keys
from gateway.cda.facts import FACTS
from gateway.cda.identity import Identity, identifiers, identify
from gateway.cda.minimum import findings
from gateway.cda.outcome import contributions_of
from gateway.cda.reader import Document, Node
from gateway.cda.stay import encounter_class_of, stay_times
from gateway.core.contributions import Mapped, Target, Version
from gateway.core.digits import whole_number
from gateway.core.envelope import Envelope
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.messages import Header
from gateway.core.timestamps import Timestamp, TimestampError, parse_timestamp
from gateway.fhir import elements
from gateway.fhir.identity import Ids, master_identifier
from gateway.mapping.engine import CompiledPlan, CompiledResource, compile_plan
from gateway.mapping.facts import CompiledFact, FactVocabulary, compile_facts
from gateway.mapping.loader import Mappings
from gateway.mapping.sites import Site

__all__ = [
    "CONCEPTMAPS",
    "SENDER",
    "Plans",
    "compile_plans",
    "contribute",
    "header",
    "identifiers",
]

#: First part of `Header.sender` of a document that came alone.
SENDER = "cda"
#: Concept maps the converters read by themselves, for `mapping.check`.
CONCEPTMAPS = frozenset({"cda-code-systems", "cda-units", "cancer-request-kind", "cda-severity"})
_GENERIC = "document"
#: Some write the instant as the number of a version.
_LAST_VERSION = 10**18
_STRUCTURE_ROOT = "1.2.250.1.71.4.2.2"


@dataclass(frozen=True, slots=True)
class Plans:
    """The compiled plans of all document models.

    Attributes:
        by_template: name of the plan by templateId of the model.
        by_code: name by document code, for level-1 documents and unknown templates.
        by_name: the plans.
        facts: by name of the plan, what its documents assert about a pathway.
        tables: code tables of the converters.
    """

    by_template: Mapping[str, str]
    by_code: Mapping[str, str]
    by_name: Mapping[str, CompiledPlan]
    facts: Mapping[str, tuple[CompiledFact, ...]]
    tables: Tables

    def of(self, document: Document) -> tuple[str, CompiledPlan]:
        """Return name and plan of a document: template first, code second, else the generic."""
        found = self.by_template.get(model_of(document))
        if found is None:
            code = document.root.child("code")
            found = self.by_code.get(code.get("code")) if code is not None else None
        name = found or _GENERIC
        return name, self.by_name[name]


def compile_plans(mappings: Mappings) -> Plans:
    """Compile the document plans.

    Raises:
        FatalError: a plan names something that does not exist (RLS-CFG-004 to 009).
    """
    table = elements.table()
    plans = {name: mappings.whole(name) for name in mappings.documents}
    shared: dict[str, CompiledResource] = {}
    compiled = {
        name: compile_plan(
            plan, mappings.fragments, CONVERTERS, mappings.conceptmaps, table, shared
        )
        for name, plan in plans.items()
    }
    vocabulary = FactVocabulary(FACTS, mappings.conceptmaps)
    said = {
        name: compile_facts(plan.emits, mappings.facts, "cda", vocabulary)
        for name, plan in plans.items()
    }
    matches = [(plan.match, name) for name, plan in plans.items()]
    systems, units, requests, severities = (
        {code: target.code for code, target in mappings.conceptmaps[name].codes.items()}
        for name in ("cda-code-systems", "cda-units", "cancer-request-kind", "cda-severity")
    )
    return Plans(
        by_template={
            template: name for match, name in matches for template in match.get("template_id", ())
        },
        by_code={code: name for match, name in matches for code in match.get("code", ())},
        by_name=compiled,
        facts=said,
        tables=Tables(systems, units, requests, severities),
    )


def header(document: Document | None, body: bytes) -> Header:
    """Return what the inbox knows of a document; also of bytes that are none.

    A document sent again is byte-identical or another input: raw and canonical hash are equal.
    """
    digest = document.sha256 if document is not None else sha256(body).hexdigest()
    if document is None:
        return Header((SENDER, ""), "", "", digest, digest)
    code = document.root.child("code")
    name = model_of(document) or (code.get("code") if code is not None else "")
    created = stamp(document.root.child("effectiveTime"))
    return Header(
        sender=(SENDER, custodian(document)),
        control_id="",
        message_type=f"CDA {name}".strip(),
        raw_sha256=digest,
        canonical_sha256=digest,
        sent_at=created.bounds_utc()[0] if created is not None else None,
    )


def custodian(document: Document) -> str:
    """Return the FINESS of the custodian, else its identifier as received, else nothing."""
    keeper = document.root.down(
        "custodian", "assignedCustodian", "representedCustodianOrganization", "id"
    )
    if keeper is None:
        return ""
    value = keeper.get("extension")
    is_finess = keeper.get("root") == _STRUCTURE_ROOT and len(value) == 10 and value[0] == "1"
    return value[1:] if is_finess else value


def contribute(
    document: Document,
    plans: Plans,
    site: Site,
    ids: Ids,
    *,
    digest: str,
    envelope: Envelope | None = None,
    test_ins: bool = True,
    trace: bool = False,
) -> Mapped:
    """Make what one document says.

    Args:
        document: from `reader.read`.
        plans: from `compile_plans`.
        site: the site of the custodian, or of the message around the document.
        ids: makes computed ids.
        digest: canonical SHA-256 of the input, hex.
        envelope: what the HL7 v2 message around it says; None for a document that came alone.
        test_ins: INS of the test and demonstration roots may be used.
        trace: keep where each value comes from.

    Raises:
        RejectedError: no identity of its own, another patient, a body that does not decode
            (RLS-CDA-010 to 018), or a required value is missing.
    """
    issues: list[Issue] = []
    created = _checked_header(document, envelope, issues)
    flags = [*document.flags, *created.flags]
    identity = identify(document, site, ids, envelope, test_ins=test_ins)
    issues += identity.issues
    context = _context(document, plans, site, ids, envelope, identity=identity, created=created,
                       digest=digest, flags=flags, issues=issues)  # fmt: skip
    version = _version(context)
    name, plan = plans.of(document)
    context.issues.extend(contradictions(document))
    results = plan.run(document.root, context, trace=trace, local=site.local_codes or None)
    mapped = contributions_of(results, context, version)
    issues += findings(document, frozenset(plans.by_template), strict=not site.is_lenient)
    if any(issue.severity.refuses for issue in issues):
        raise RejectedError(issues)
    mapped.issues = list(dict.fromkeys([*issues, *mapped.issues]))
    mapped.assertions = facts.assertions(plans.facts[name], context, site, custodian(document))
    mapped.flags = list(dict.fromkeys([*flags, *mapped.flags]))
    return mapped


def _checked_header(
    document: Document, envelope: Envelope | None, issues: list[Issue]
) -> Timestamp:
    """Return effectiveTime once the header names the document and orders its versions.

    Without it the time of the message around the document stands for it.

    Spec: CI-SIS Structuration minimale: id 1..1, code 1..1, effectiveTime 1..1.
    """
    root = document.root
    missing = []
    own, code, time = root.child("id"), root.child("code"), root.child("effectiveTime")
    if own is None or not own.get("root"):
        missing.append(faults.header_element_missing(f"{root.place}/id", "id"))
    elif envelope is not None and not _is_named(own, envelope):
        missing.append(faults.other_document(f"{root.place}/id"))
    if code is None or not code.get("code"):
        missing.append(faults.header_element_missing(f"{root.place}/code", "code"))
    created, where = stamp(time), f"{root.place}/effectiveTime"
    if created is None and envelope is not None and (sent := _sent_at(envelope)) is not None:
        created = sent
        issues.append(faults.time_of_message(where))
    if created is None:
        unreadable = is_unreadable(time)
        missing.append(
            faults.bad_header_time(where)
            if unreadable
            else faults.header_element_missing(where, "effectiveTime")
        )
    if missing or created is None:
        raise RejectedError(missing)
    return created


def _is_named(own: Node, envelope: Envelope) -> bool:
    """Tell whether a message names this document, or none.

    Spec: CI-SIS, transmission of a CDA document in HL7 v2, TXA-12: ClinicalDocument/id.
    """
    if not envelope.document_id:
        return True
    root, _, extension = envelope.document_id.partition("^")
    named = master_identifier(root, extension)
    return named == master_identifier(own.get("root"), own.get("extension"))


def _sent_at(envelope: Envelope) -> Timestamp | None:
    """Return when the message was sent, None when that cannot be read."""
    try:
        return parse_timestamp(envelope.sent_at) if envelope.sent_at else None
    except TimestampError:
        return None


def _context(
    document: Document,
    plans: Plans,
    site: Site,
    ids: Ids,
    envelope: Envelope | None,
    *,
    identity: Identity,
    created: Timestamp,
    digest: str,
    flags: list[str],
    issues: list[Issue],
) -> Context:
    root = document.root
    media, left_out = media_of(document)
    issues += left_out
    own, group = root.child("id"), root.child("setId")
    if own is None:
        raise RejectedError([faults.header_element_missing(f"{root.place}/id", "id")])
    named = group if group is not None and group.get("root") else own
    key = set_key(site, identity.patient, named.get("root"), named.get("extension"))
    master = master_identifier(own.get("root"), own.get("extension"))
    number = root.child("versionNumber")
    version = whole_number(number.get("value"), _LAST_VERSION) if number is not None else None
    if version is None:
        flags.append("version-missing")
    return Context(
        document=document,
        ids=ids,
        tables=plans.tables,
        patient=identity.patient,
        matricules=identity.matricules,
        ipp_system=identity.ipp_system,
        set_key=key,
        master=master,
        version=version or 0,
        reference=Target("DocumentReference", ids.document(*master)),
        stay=_stay(document, ids, envelope, key),
        created=created,
        attached=attached_to(document, flags),
        media=media,
        digest=digest,
        envelope=envelope,
        site=site,
        entries=entry_keys(document),
    )


def _stay(document: Document, ids: Ids, envelope: Envelope | None, key: str) -> Target | None:
    """Return the stay of the message, else one of the document's own, else None.

    A meeting (class VR) or masked dates make no stay.
    """
    if envelope is not None and envelope.stay is not None:
        return envelope.stay
    _, code = encounter_class_of(document.root)
    times = stay_times(document.root)
    begins = None if times is None else stamp(times.child("low")) or stamp(times)
    if not code or code == "VR" or begins is None:
        return None
    return Target("Encounter", ids.document_stay(key))


def _version(context: Context) -> Version:
    """Return the version of everything a document says: its time, its number, its bytes.

    The same document in a later message is told later: what that message changes of it, such as
    its masks, counts.

    Spec: CI-SIS volet on CDA documents in HL7 v2, MODIF_CONF_CODE.
    """
    created = context.created.bounds_utc()[0]
    sent = _sent_at(context.envelope) if context.envelope is not None else None
    told = created if sent is None else max(created, sent.bounds_utc()[0])
    # The store keeps six digits of the rank.
    return Version(created, told, min(context.version, 999_999), context.digest)

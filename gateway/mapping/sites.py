"""What one hospital does differently: a site file, and how a sender finds its site.

Does not read files (`mapping.loader`). Overrides, never copies: a site that says nothing gets the
defaults written here. Keys are those of docs/reference; `mappings/sites/demo.yaml` is an example.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from gateway.core.systems import IDENTIFIER_BASE

DomainKind = Literal["ipp", "nda", "visit"]
Sector = Literal["mco", "smr", "usld", "psy", "had", "ms", "home"]

_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_FINESS = re.compile(r"[0-9][0-9AB][0-9]{7}")

Finess = Annotated[str, StringConstraints(pattern=f"^{_FINESS.pattern}$")]
Oid = Annotated[str, StringConstraints(pattern=f"^{_OID.pattern}$")]
FinessOrOid = Annotated[str, StringConstraints(pattern=f"^(?:{_FINESS.pattern}|{_OID.pattern})$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sender(_Strict):
    """One sending application of a site.

    Attributes:
        application: MSH-3.1; empty accepts any application of the facility.
        facility: MSH-4.1.
        certificate: SHA-256 fingerprint (hex) its client certificate must have; empty: any.
    """

    facility: str
    application: str = ""
    certificate: Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{64})?$")] = ""


class Unit(_Strict):
    """A unité fonctionnelle.

    Attributes:
        name: its French name.
        sector: kind of care setting; empty when not known, then rules about it do not decide.
        champ: PMSI field (MCO, SMR, PSY, HAD), as the site writes it.
    """

    name: str = ""
    sector: Sector | Literal[""] = ""
    champ: str = ""


class Destination(_Strict):
    """An application of the hospital that takes messages over MLLP.

    Attributes:
        host: name or address.
        port: of its MLLP door.
        tls: the connection is encrypted.
        final_ack: the answer that settles a message: `commit` a CA, `application` AA or AE;
            empty: the application where MSH-16 asked for its word, else the first answer.
        timeout_s: longest wait for one answer, seconds.
        answers_acks: it answers an application acknowledgement (CA); else one that was written
            counts as delivered.
    """

    host: str
    port: Annotated[int, Field(ge=1, le=65535)]
    tls: bool = False
    final_ack: Literal["", "commit", "application"] = ""
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 30.0
    answers_acks: bool = True


class Routing(_Strict):
    """Where documents of a site go beside what their messages ask for.

    Attributes:
        to_doctor: types of document (LOINC) mailed to the family doctor on file, unless the
            message says that professionals get none (DESTMSSANTEPS N).
        to_document_recipients: types of document mailed to the recipients in its header, likewise.
        never: types of document that do not go by a channel.
        strict_matrix: combinations of flags outside of the CI-SIS volet send no mail.
    """

    to_doctor: frozenset[str] = frozenset()
    to_document_recipients: frozenset[str] = frozenset()
    never: dict[Literal["mssante", "patient", "dmp"], frozenset[str]] = Field(default_factory=dict)
    strict_matrix: bool = False


class Site(_Strict):
    """One hospital, or the default for senders no file names.

    Attributes:
        name: equals the file name.
        sources: its senders; none in the default site.
        finess: FINESS of the establishment, empty when not known.
        ack: `process` tells the result of the conversion, `accept` that the input is kept.
        leniency: whether repairable faults are repaired or refused.
        processing_ids: accepted MSH-11; empty: those of the installation.
        versions: accepted MSH-12; empty: those of the program.
        control_id_reuse: what happens to an MSH-10 used again for another message.
        transient_ack: what a sender is told when the store is away.
        charset: charset of a sender that declares none, empty: as the standard says.
        ack_msh9: form of MSH-9 in an ACK.
        err_style: form of ERR: `err2` since v2.5, `err1` for old senders.
        authorities: name or OID of an assigning authority, to its FINESS or OID.
        cda_roots: root of a local patient id in documents, to the FINESS of its IPP domain.
        ufs: by UF code.
        require_ins: an input without a trusted INS is reported.
        ins_from_cda: whether the INS of a document without HL7 envelope is trusted.
        set_ids: `unique` as CDA R2 4.2.1.7 has it: documents about two persons share none;
            `shared`: this site gives one setId to many, so it is read together with the patient.
        local_codes: by concept map: local code to target code.
        destinations: applications that messages go to, by name.
        acks_to: destination of application and business acknowledgements; empty: none goes.
        mails_to: destination of letters that come by secure mail; empty: they are put aside.
        mailbox: address its letters come to; empty: any that no other site has.
        validation: `full` asks `fhir.resources` about every resource as well; empty: as the
            installation does.
        withdrawal_mails: a letter that is withdrawn after it was mailed is followed by a mail to
            the same mailboxes that says so.
        routing: where documents go beside what their messages ask for.
    """

    name: str
    sources: tuple[Sender, ...] = ()
    finess: Finess | Literal[""] = ""
    ack: Literal["process", "accept"] = "process"
    leniency: Literal["lenient", "strict"] = "lenient"
    processing_ids: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    control_id_reuse: Literal["refuse", "accept-flagged"] = "refuse"
    transient_ack: Literal["AR", "AE", "none"] = "AR"
    charset: str = ""
    ack_msh9: Literal["full", "short"] = "full"
    err_style: Literal["err2", "err1"] = "err2"
    authorities: dict[str, FinessOrOid] = Field(default_factory=dict)
    cda_roots: dict[Oid, Finess] = Field(default_factory=dict)
    ufs: dict[str, Unit] = Field(default_factory=dict)
    require_ins: bool = False
    ins_from_cda: Literal["untrusted", "trusted"] = "untrusted"
    set_ids: Literal["unique", "shared"] = "unique"
    local_codes: dict[str, dict[str, str]] = Field(default_factory=dict)
    destinations: dict[str, Destination] = Field(default_factory=dict)
    acks_to: str = ""
    mails_to: str = ""
    mailbox: str = ""
    validation: Literal["", "compiled", "full"] = ""
    withdrawal_mails: bool = False
    routing: Routing = Routing()

    @model_validator(mode="after")
    def _destinations_exist(self) -> "Site":
        for key in ("acks_to", "mails_to"):
            name = getattr(self, key)
            if name and name not in self.destinations:
                msg = f"{key} names no destination of the site"
                raise ValueError(msg)
        return self

    @property
    def is_lenient(self) -> bool:
        """Tell whether repairable faults are repaired."""
        return self.leniency == "lenient"

    @staticmethod
    def is_numbered(name: str) -> bool:
        """Tell whether a name is a FINESS or an OID itself."""
        return bool(_FINESS.fullmatch(name) or _OID.fullmatch(name))

    def unit(self, uf: str) -> Unit:
        """Return a UF; one without name and sector when the table does not have it."""
        return self.ufs.get(uf, _UNKNOWN_UNIT)

    def domain(
        self,
        kind: DomainKind,
        name: str = "",
        universal_id: str = "",
        universal_type: str = "",
        *,
        facility: str = "",
    ) -> str:
        """Return the identifier system of an assigning authority (HL7 v2.5 2.A.14, CX-4).

        The table of the site comes first, by universal id and then by name, so that a bare name
        and the full form of one authority come out equal. What the table does not have keeps the
        OID or FINESS that was sent. The bare name of the sending facility, or none at all, is
        the sender's own authority. Any other bare name that nobody declared stays a domain of
        its own: numbers of a relayed laboratory must never meet those of the hospital.

        Args:
            kind: what is numbered.
            name: CX-4.1.
            universal_id: CX-4.2, or the root of an `id` in a document.
            universal_type: CX-4.3: `ISO` an OID, `M` or `N` a FINESS, `L` a name.
            facility: MSH-4.1, the last resort.
        """
        name, universal_id = name.strip(), universal_id.strip().removeprefix("urn:oid:")
        if universal_type == "L":
            name, universal_id = universal_id or name, ""
        declared = self.authorities.get(universal_id) or self.authorities.get(name)
        if kind == "ipp" and not declared:
            declared = self.cda_roots.get(universal_id)
        if declared:
            return _system(kind, declared)
        if universal_id:
            return _system(kind, universal_id)
        facility = facility.strip()
        is_own = not name or name == facility or self.is_numbered(name)
        if not is_own:
            return _system(kind, name)
        for known in (name, self.authorities.get(facility, ""), self.finess, facility):
            if _FINESS.fullmatch(known) or _OID.fullmatch(known):
                return _system(kind, known)
        return _system(kind, name or facility)


_UNKNOWN_UNIT = Unit()


#: Longer names are no authority anybody uses; only short ones are remembered.
_REMEMBERED = 200


def _system(kind: DomainKind, authority: str) -> str:
    return (_known_system if len(authority) < _REMEMBERED else _named)(kind, authority)


def _named(kind: DomainKind, authority: str) -> str:
    if _OID.fullmatch(authority):
        return f"urn:oid:{authority}"
    return f"{IDENTIFIER_BASE}/{kind}/{quote(authority, safe='')}"


_known_system = lru_cache(maxsize=4096)(_named)

#: Used when no file of mappings/sites is called `default`.
DEFAULT_SITE = Site(name="default")


class Sites:
    """All sites, and which one a sender belongs to."""

    def __init__(self, sites: Iterable[Site] = ()) -> None:
        self.by_name: dict[str, Site] = {site.name: site for site in sites}
        self.default: Site = self.by_name.get("default", DEFAULT_SITE)
        self._by_sender: dict[tuple[str, str], Site] = {}
        self._certificate_of: dict[tuple[str, str], str] = {}
        for site in self.by_name.values():
            for sender in site.sources:
                self._by_sender[sender.application, sender.facility] = site
                self._certificate_of[sender.application, sender.facility] = sender.certificate
        self._bound = frozenset(filter(None, self._certificate_of.values()))

    def for_sender(self, application: str, facility: str) -> Site:
        """Return the site of MSH-3.1 and MSH-4.1.

        The exact pair wins over a sender that names the facility only; nobody: `default`, the
        file of that name, else the defaults of the program.
        """
        found = self._by_sender.get((application, facility))
        return found or self._by_sender.get(("", facility), self.default)

    def may_send(self, application: str, facility: str, certificate: str | None) -> bool:
        """Tell whether a sender may come over a connection.

        A sender that is bound to a certificate comes with that one only, and who shows a bound
        certificate speaks for its own senders only. All others are not restricted here.

        Args:
            application: MSH-3.1.
            facility: MSH-4.1.
            certificate: SHA-256 fingerprint (hex) of the client certificate, None without one.
        """
        if not self._bound:
            return True
        exact = self._certificate_of.get((application, facility))
        wanted = self._certificate_of.get(("", facility), "") if exact is None else exact
        if wanted:
            return certificate == wanted
        return certificate not in self._bound

    @property
    def destinations(self) -> dict[str, Destination]:
        """Return every destination by `<site>/<name>`."""
        return {
            f"{site.name}/{name}": found
            for site in self.by_name.values()
            for name, found in site.destinations.items()
        }

    def for_mailbox(self, address: str) -> Site | None:
        """Return the site whose letters come to an address, None when none takes any."""
        takers = [site for site in self.by_name.values() if site.mails_to]
        own = [site for site in takers if site.mailbox.lower() == address.lower()]
        return next(iter(own or [site for site in takers if not site.mailbox]), None)

    def for_finess(self, finess: str) -> Site:
        """Return the site of an establishment, for a document without HL7 envelope."""
        for site in self.by_name.values():
            if finess and site.finess == finess:
                return site
        return self.default

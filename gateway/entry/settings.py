"""Typed settings; the only module that reads the environment.

A key `a.b` is `RELAIS_A_B` in the environment and `b` under `[a]` in `relais.toml`.
The environment wins over the file, the file over the defaults.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.entry.settings_access import PscSettings
from gateway.entry.settings_parts import (
    DirectorySettings,
    ExportsSettings,
    NdeSettings,
    OtelSettings,
    WorkbenchSettings,
)
from gateway.entry.settings_record import DmpSettings as DmpSettings

#: Namespace of computed ids in tests and the demo; an installation sets its own.
DEFAULT_NAMESPACE = uuid5(NAMESPACE_URL, "https://relais.example/ns")

Port = Annotated[int, Field(ge=0, le=65535)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Part):
    """`[store]`: where everything is kept."""

    url: str = Field("sqlite:///relais.db", description="sqlite:///FILE or postgresql://…")
    timeout_s: float = Field(30.0, gt=0, description="longest wait for one store operation")
    room: int = Field(2**26, ge=0, description="free bytes on its disk below which: not ready")


class OperationSettings(_Part):
    """`[operation]`: what those who run the gateway may do on its pages."""

    drafts: Path | None = Field(
        None, description="folder drafts of site tables are written to; empty: none are"
    )


class StreamSettings(_Part):
    """`[stream]`: the optional stream between doors and workers."""

    url: str = Field("", description="empty, or nats://…")


class HttpSettings(_Part):
    """`[http]`: the HTTP door."""

    port: Port = 8080
    hosts: tuple[str, ...] = Field((), description="accepted Host names beside public_url")
    body_limit: int = Field(64 * 2**20, gt=0, description="largest request body, bytes")
    cda_limit: int = Field(32 * 2**20, gt=0, description="largest CDA document, bytes")
    certificate: Path | None = Field(None, description="PEM chain: the door speaks TLS")
    key: Path | None = Field(None, description="PEM private key, when not in the chain")
    client_ca: Path | None = Field(
        None, description="PEM of the authorities of client certificates, which callers may show"
    )
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = Field(
        (), description="proxies that end TLS before this door; what they say of callers counts"
    )


class MllpSettings(_Part):
    """`[mllp]`: the MLLP door without TLS."""

    port: Port = 2575
    frame_limit: int = Field(64 * 2**20, gt=0, description="largest frame, bytes")
    frame_seconds: float = Field(120.0, gt=0, description="longest time for one frame")
    ack_seconds: float = Field(30.0, gt=0, description="longest time to write one ACK")
    idle_seconds: float = Field(86400.0, gt=0, description="idle connections close after")
    connections: int = Field(1024, gt=0, description="connections at the same time")
    peer_connections: int = Field(64, gt=0, description="connections of one address")


class MllpsSettings(_Part):
    """`[mllps]`: the MLLP door over TLS; opens only with a certificate."""

    port: Port = 2576
    certificate: Path | None = Field(None, description="PEM chain of this gateway")
    key: Path | None = Field(None, description="PEM private key")
    client_ca: Path | None = Field(None, description="PEM of the authorities of senders")
    require_client: bool = Field(True, description="refuse senders without certificate")


class ReceiveSettings(_Part):
    """`[receive]`: from the door to the answer."""

    threads: int = Field(2, ge=1, le=64, description="conversions at the same time")
    batch: int = Field(128, ge=1, le=256, description="inputs in one commit at most")
    deadline_s: float = Field(20.0, gt=0, description="answer no later than this")
    store_early_s: float = Field(1.0, gt=0, description="keep the bytes of slow inputs after")
    waiting: int = Field(4096, ge=1, description="inputs in process at most")
    control_id_days: int = Field(30, ge=1, description="how far back MSH-10 is compared")
    validation: Literal["compiled", "full"] = Field(
        "compiled", description="full: fhir.resources checks every resource as well"
    )


class PathwaySettings(_Part):
    """`[pathway]`: which rules are in force beside those of the first release."""

    on: tuple[str, ...] = Field((), description="rules to turn on, by id; * all")
    off: tuple[str, ...] = Field((), description="rules to turn off, by id; wins over `on`")
    added: Path | None = Field(
        None,
        description="folder of rules beside the others, all on; a higher version of one of "
        "them takes its place",
    )
    rejects_per_hour: int = Field(
        10, ge=1, description="inputs of a feed refused in an hour beyond which people are told"
    )
    archive_days: int = Field(
        400, ge=1, description="facts of persons not looked at for so long are folded away"
    )


class MssanteSettings(_Part):
    """`[mssante]`: the secure mail; off until an SMTP host is named."""

    smtp_host: str = Field("", description="host of the operator; empty: no mail leaves")
    smtp_port: Port = 587
    imap_host: str = Field("", description="host of the mailbox of notices; empty: not read")
    imap_port: Port = 993
    certificate: Path | None = Field(None, description="PEM chain of the organisation")
    key: Path | None = Field(None, description="PEM private key, when not in the chain")
    authority: Path | None = Field(None, description="PEM of the operator's authorities")
    revoked: Path | None = Field(None, description="PEM of revoked certificates")
    address: str = Field("relais@app.mssante.example", description="application mailbox")
    name: str = Field("Relais", description="name of the service recipients read")
    product: str = Field("RELAIS-ESSAI", description="reference of the product, X-MSS-NIL")
    source_id: str = Field("2.999.1", description="OID of this system in metadata")
    domains: tuple[str, ...] = Field(
        ("mssante.fr",), description="domains of the trust space, sub-domains included"
    )
    silent_domains: tuple[str, ...] = Field(
        (), description="domains that send no notice of delivery: arrival is assumed"
    )
    reading_domains: tuple[str, ...] = Field(
        (), description="domains that tell that a mail was read; TRX-05 waits for their word"
    )
    size_limit: int = Field(0, ge=0, description="largest mail, bytes; 0: what SIZE says")
    timeout_s: float = Field(60.0, gt=0, description="longest wait for the operator")
    unknown_wait_s: float = Field(
        900.0, gt=0, description="wait for a notice when the end of a hand-over was cut"
    )
    poll_s: float = Field(30.0, gt=0, description="how often notices are fetched")
    smime_certificate: Path | None = Field(None, description="PEM that signs; empty: no S/MIME")
    smime_key: Path | None = Field(None, description="PEM private key, when not beside it")
    sign: tuple[str, ...] = Field((), description="domains whose mails are signed; * all")
    encrypt: dict[str, Path] = Field({}, description="mailbox or domain: PEM to encrypt for")


class HooksSettings(_Part):
    """`[hooks]`: notifications to subscribers."""

    hosts: tuple[str, ...] = Field((), description="hosts that may be called; * admits all")
    ports: tuple[int, ...] = Field((443,), description="ports that may be called")
    lan: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = Field(
        (), description="networks inside that names may resolve to"
    )
    timeout_s: float = Field(10.0, gt=0, le=60, description="longest wait for a subscriber")
    per_client: int = Field(100, ge=1, description="subscriptions of one client at most")
    horizon_days: float = Field(3.0, gt=0, description="how long a delivery is tried again")
    off_days: float = Field(
        30.0, gt=0, description="a subscription so long in error without its client is turned off"
    )
    events_per_second: int = Field(
        0, ge=0, description="events a second to one subscription at most; 0: no limit"
    )
    kept_events: int = Field(
        100_000, ge=1, description="events of each subscription `$events` still gives"
    )
    contents: tuple[Literal["empty", "id-only", "full-resource"], ...] = Field(
        (),
        description="what a notification may hold; default: all, in production not full-resource",
    )
    full_resource: tuple[str, ...] = Field(
        (), description="clients that may ask for full-resource besides"
    )
    signing_key: Path | None = Field(
        None,
        description="file with the secret that signs notifications (X-Relais-Signature); "
        "32 bytes or more, known to the receivers",
    )
    client_hosts: dict[str, tuple[str, ...]] = Field(
        {}, description="clients whose endpoints are on these hosts only, instead of on `hosts`"
    )
    mail_host: str = Field("", description="mail server of the email channel; empty: none")
    mail_port: Port = 587
    mail_from: str = Field("relais@localhost.invalid", description="address mails come from")
    mail_domains: tuple[str, ...] = Field(
        ("mssante.fr",), description="domains mails go to, sub-domains included; * admits all"
    )
    mail_authority: Path | None = Field(
        None, description="PEM of the authorities of the mail server; empty: those of the system"
    )
    mail_user: str = Field("", description="name for the mail server; empty: none")
    mail_password: Path | None = Field(None, description="file that holds its password")
    poll_s: float = Field(0.25, gt=0, description="pause of a worker with nothing to do, seconds")


class OutboundSettings(_Part):
    """`[outbound]`: messages to applications of the hospital (destinations of the site files)."""

    certificate: Path | None = Field(None, description="PEM chain shown to a destination")
    key: Path | None = Field(None, description="PEM private key, when not in the chain")
    authority: Path | None = Field(
        None, description="PEM of the authorities of destinations; empty: those of the system"
    )
    horizon_days: float = Field(3.0, gt=0, description="how long a message is tried again")


class CdaSettings(_Part):
    """`[cda]`: what `relais validate` judges CDA documents with, beside its own rules."""

    value_sets: Path | None = Field(
        None,
        description="folder of value sets (JDV), IHE SVS or FHIR; those of the toolkit by default",
    )
    toolkit: Path | None = Field(
        None, description="folder of the published CDA test kit: schema and schematrons"
    )
    toolkit_workers: int = Field(
        2, ge=1, le=16, description="processes that run schematrons; the largest takes 1 GB"
    )
    toolkit_seconds: float = Field(
        300.0, gt=0, description="longest time to compile a schematron, or to run one"
    )


class FhirSettings(_Part):
    """`[fhir]`: what resources are judged by."""

    packages: Path = Field(
        Path("packages"), description="folder of FHIR packages (`relais packages add`)"
    )
    profiles: tuple[str, ...] = Field(
        ("hl7.fhir.fr.core@2.2.0",),
        description="packages to judge by, name@version; those not in the folder are told",
    )
    registry: str = Field(
        "", description="address of a FHIR package registry; empty: packages come from files"
    )
    references: bool = Field(
        True, description="a reference to a resource that is not here refuses what clients write"
    )


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix="RELAIS_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        toml_file="relais.toml",
        extra="forbid",
        frozen=True,
    )

    host: str = Field("127.0.0.1", description="address the doors listen on")
    public_url: str = Field("", description="base of links; default: the listening address")
    environment: Literal["", "test", "production"] = Field(
        "", description="default: test on loopback, production elsewhere"
    )
    unprotected: bool = Field(
        False,
        description="listen beyond loopback without access rights, behind a boundary that admits "
        "trusted peers only; refused in production",
    )
    tenant: str = Field("demo", min_length=1, description="name of this installation")
    id_namespace: UUID = Field(
        DEFAULT_NAMESPACE, description="secret namespace of computed ids, one per installation"
    )
    mappings: Path | None = Field(None, description="folder of mappings instead of our own")
    pathways: Path | None = Field(None, description="folder of pathway rules instead of our own")
    watch_lag_s: float = Field(
        0.5, ge=0, description="how far looks stay behind the clock on a shared PostgreSQL"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    store: StoreSettings = StoreSettings()
    operation: OperationSettings = OperationSettings()
    stream: StreamSettings = StreamSettings()
    http: HttpSettings = HttpSettings()
    mllp: MllpSettings = MllpSettings()
    mllps: MllpsSettings = MllpsSettings()
    receive: ReceiveSettings = ReceiveSettings()
    pathway: PathwaySettings = PathwaySettings()
    mssante: MssanteSettings = MssanteSettings()
    directory: DirectorySettings = DirectorySettings()
    dmp: DmpSettings = DmpSettings()
    hooks: HooksSettings = HooksSettings()
    exports: ExportsSettings = ExportsSettings()
    nde: NdeSettings = NdeSettings()
    outbound: OutboundSettings = OutboundSettings()
    cda: CdaSettings = CdaSettings()
    fhir: FhirSettings = FhirSettings()
    psc: PscSettings = PscSettings()
    workbench: WorkbenchSettings = WorkbenchSettings()
    otel: OtelSettings = OtelSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def on_loopback(self) -> bool:
        """Tell whether only this machine can reach the doors."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_exposed(self) -> bool:
        """Tell whether other machines reach the doors, which then let in nobody unknown."""
        return not self.on_loopback and not self.unprotected

    @property
    def mllp_host(self) -> str:
        """Return where the MLLP door without TLS listens: senders are not known there."""
        return "127.0.0.1" if self.is_exposed else self.host

    @property
    def loopback(self) -> str:
        """Return the address this machine reaches its own doors at."""
        return "127.0.0.1" if self.host in ("0.0.0.0", "::", "localhost") else self.host  # noqa: S104 - compared, not bound

    @property
    def is_production(self) -> bool:
        """Tell whether this is a production installation."""
        return self.environment == "production" or (self.environment == "" and not self.on_loopback)

    @property
    def base_url(self) -> str:
        """Return the public base without trailing slash."""
        return (self.public_url or f"{self.scheme}://{self.host}:{self.http.port}").rstrip("/")

    @property
    def scheme(self) -> str:
        """Return how the HTTP door is spoken to: https when it has a certificate."""
        return "http" if self.http.certificate is None else "https"


def load(**overrides: Any) -> Settings:
    """Read the settings.

    Args:
        overrides: values from the command line, by field name.

    Raises:
        FatalError: a value is wrong or a key unknown (RLS-CFG-100), one issue per fault.
    """
    try:
        return Settings(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise FatalError([_wrong(fault) for fault in error.errors()]) from error


def _wrong(fault: Any) -> Issue:
    key = ".".join(str(part) for part in fault["loc"])
    return Issue(
        code="RLS-CFG-100",
        severity=Severity.FATAL,
        where=f"setting {key}",
        what=f"{fault['msg'].rstrip('.')}.",
        fix=f"Correct {key} in relais.toml or RELAIS_{key.replace('.', '_').upper()}; "
        "`relais config show` lists the keys.",
    )

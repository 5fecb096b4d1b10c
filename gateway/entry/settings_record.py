"""Settings of the shared record: `[dmp]` of the table in `entry.settings`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class DmpSettings(BaseModel):
    """`[dmp]`: the shared record; off until an address is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field("", description="address of the services; empty: nothing is fed")
    dialect: Literal["xds", "pdsm"] = Field(
        "xds", description="xds: XDS.b with signed assertions (the DMP); pdsm: FHIR, ITI-65"
    )
    environment: Literal["test", "production"] = Field(
        "test", description="what the address is; it must be what this installation is"
    )
    certificate: Path | None = Field(None, description="PEM chain for TLS (AUTH_CLI)")
    key: Path | None = Field(None, description="PEM private key, when not in the chain")
    sign_certificate: Path | None = Field(None, description="PEM certificate to sign with (SIGN)")
    sign_key: Path | None = Field(None, description="PEM private key, when not beside it")
    authority: Path | None = Field(None, description="PEM of the authorities of the record")
    structures: tuple[str, ...] = Field(
        (), description="Struct_IdNat of our sites (1 and a FINESS); the first when none is named"
    )
    name: str = Field("Relais", description="name of the first structure")
    sector: str = Field("SA01", description="activity sector (TRE_R02) when a document names none")
    source_id: str = Field("2.999.1", description="OID of this system in metadata")
    homologation: str = Field("", description="LPS_ID_HOMOLOGATION_DMP; empty: not sent")
    vihf_version: Literal["3.0", "4.0"] = Field("4.0", description="VIHF_Version; samples say 3.0")
    authentication: str = Field(
        "unspecified", description="how the hospital knows its people: Password, SmartcardPKI, …"
    )
    skew_s: float = Field(60.0, ge=0, le=300, description="assertions hold so long before now")
    timeout_s: float = Field(60.0, gt=0, description="longest wait for the record")
    unknown_wait_s: float = Field(60.0, gt=0, description="wait before an unseen end is asked for")
    value_sets: Path | None = Field(
        None, description="folder of value sets (JDV, SVS or FHIR) that codes are judged by"
    )

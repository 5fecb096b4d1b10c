"""Parts of the settings that stand alone; `entry.settings` reads them."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from gateway.mapping.sites import Finess


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DirectorySettings(_Part):
    """`[directory]`: professionals, structures and their secure mailboxes."""

    base_url: str = Field(
        "", description="FHIR address of the Annuaire Santé; empty: published extracts only"
    )
    key: Path | None = Field(None, description="file with the key of that interface")
    answer_hours: float = Field(
        24.0, gt=0, description="age at which an answer of the interface is asked for anew"
    )
    extract_days: float = Field(7.0, gt=0, description="age at which an extract counts as old")
    poll_s: float = Field(
        60.0, gt=0, description="pause between two looks for recipients without mailbox, seconds"
    )


class ExportsSettings(_Part):
    """`[exports]`: Bulk Data exports."""

    keep_hours: float = Field(24.0, gt=0, description="how long an export can be fetched")
    per_client: int = Field(5, ge=1, description="exports of one client that are kept at once")


class OtelSettings(_Part):
    """`[otel]`: spans of what the gateway does, for a collector; needs the extra `otel`."""

    endpoint: str = Field(
        "", description="OTLP/HTTP address, such as http://collector:4318/v1/traces; empty: none"
    )
    ratio: float = Field(1.0, ge=0, le=1, description="share of inputs and requests that is told")
    timeout_s: float = Field(10.0, gt=0, description="longest wait for the collector, seconds")


class WorkbenchSettings(_Part):
    """`[workbench]`: what integrators try messages, mappings and rules with."""

    seconds: float = Field(5.0, gt=0, le=60, description="longest time to look at one input")
    targets: dict[str, str] = Field(
        {}, description="test gateways messages may be sent to: name, mllp:// or http:// address"
    )
    mappings: Path | None = Field(
        None, description="folder of mappings to be compared with those in force"
    )
    backtest_seconds: float = Field(
        120.0, gt=0, le=3600, description="longest time to try a rule on a log"
    )


class NdeSettings(_Part):
    """`[nde]`: events that others declare (volet Notification d'événements, flux 3)."""

    declarants: dict[str, tuple[Finess, ...]] = Field(
        {}, description="clients that may declare events: FINESS of those they speak for"
    )

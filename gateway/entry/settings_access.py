"""Settings of who gets in: people at the pages."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class PscSettings(BaseModel):
    """`[psc]`: Pro Santé Connect for people at the pages; off until an issuer is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field("", description="issuer, to the letter; empty: no accounts")
    authorization: str = Field("", description="address the browser is sent to")
    token: str = Field("", description="address of the token endpoint")
    userinfo: str = Field("", description="address of the userinfo")
    keys: str = Field("", description="address of the key set")
    logout: str = Field("", description="address of the logout; empty: the session ends here only")
    client: str = Field("", description="client_id given by the provider")
    credential: Path | None = Field(None, description="file with what the client proves itself by")
    people: Path | None = Field(None, description="table of who may enter, and as what (TOML)")
    auditors: tuple[str, ...] = Field(
        (), description="mailboxes told at once when somebody breaks the glass (hooks.mail_host)"
    )
    glass_minutes: float = Field(
        60.0, gt=0, le=60, description="how long somebody who broke the glass sees that patient"
    )

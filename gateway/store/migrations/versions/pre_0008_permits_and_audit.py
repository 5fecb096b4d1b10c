"""Keep whose each resource is, who may be shown whom, and who saw it.

The release before runs on this schema: what it writes is of nobody known (`?`), and so shown to no
client with a territory. Versions that were superseded before the migration are of nobody known.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT_ONCE = 1000
_OPEN = (
    *("AuditEvent", "Basic", "CodeSystem", "Device", "Endpoint", "HealthcareService"),
    *("Location", "Medication", "Organization", "Practitioner", "PractitionerRole"),
    *("StructureDefinition", "Subscription", "ValueSet"),
)
_HIDDEN = {"V": "p", "MASQUE_PS": "p", "INVISIBLE_PATIENT": "rt"}
_HIDDEN["INVISIBLE_REPRESENTANTS_LEGAUX"] = "r"


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _whose() -> list[sa.Column[str]]:
    return [
        sa.Column("patient", _TEXT, nullable=False, server_default="?"),
        sa.Column("masks", _TEXT, nullable=False, server_default=""),
    ]


def upgrade() -> None:
    """Add the columns, fill them for current resources, create the tables."""
    if op.get_bind().dialect.name == "sqlite":
        _copy()
    else:
        for table in ("resource", "resource_history"):
            for made in _whose():
                op.add_column(table, made)
    _fill()
    _permits()
    _audit()


def _copy() -> None:
    """Make both tables anew: SQLite adds columns at the end, behind the bodies."""
    common = "type, id, version, last_updated, deleted, content_hash, owner"
    for table, bodies, key in (
        ("resource", ("entries", "body"), ("type", "id")),
        ("resource_history", ("body",), ("type", "id", "version")),
    ):
        op.rename_table(table, f"{table}_0006")
        op.create_table(
            table,
            *_text("type", "id"),
            *_version(),
            *(_bytes(name) for name in bodies),
            sa.PrimaryKeyConstraint(*key),
        )
        names = ", ".join((common, *bodies))
        op.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {table}_0006")  # noqa: S608 - constants
        op.drop_table(f"{table}_0006")
    live, of_another = sa.text("deleted = 0"), sa.text("owner <> ''")
    op.create_index(
        "ix_resource_recent",
        "resource",
        ["type", sa.text("last_updated DESC"), "id"],
        sqlite_where=live,
    )
    op.create_index("ix_resource_owner", "resource", ["owner"], sqlite_where=of_another)


def _version() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        *_text("last_updated"),
        sa.Column("deleted", sa.SmallInteger(), nullable=False),
        *_text("content_hash", "owner"),
        *_whose(),
    ]


def _fill() -> None:
    connection = op.get_bind()
    after = ("", "")
    page = sa.text(
        "SELECT type, id, entries FROM resource WHERE (type, id) > (:type, :id)"
        " ORDER BY type, id LIMIT :rows"
    )
    write = sa.text(
        "UPDATE resource SET patient = :patient, masks = :masks WHERE type = :type AND id = :id"
    )
    while rows := connection.execute(
        page, {"type": after[0], "id": after[1], "rows": _AT_ONCE}
    ).all():
        connection.execute(write, [_row(*row) for row in rows])
        after = (rows[-1][0], rows[-1][1])


def _row(type_: str, id_: str, entries: bytes) -> dict[str, str]:
    listed = json.loads(entries)
    named = {
        value
        for param, _, value, system, _ in listed
        if system == "Patient" and param in ("patient", "subject", "target") and value
    }
    labels = ("security-label", "confidentiality", "_security")
    letters = {c for entry in listed if entry[0] in labels for c in _HIDDEN.get(entry[2], "")}
    patient = id_ if type_ == "Patient" else "" if not named and type_ in _OPEN else "?"
    if type_ != "Patient" and len(named) == 1:
        patient = named.pop()
    return {"type": type_, "id": id_, "patient": patient, "masks": "".join(sorted(letters))}


def _permits() -> None:
    op.create_table(
        "access_mark",
        sa.Column("number", _ROW_ID, primary_key=True, autoincrement=True),
        *_text("due", "patient"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "access_permit",
        *_text("client", "category", "patient", "basis", "source", "until"),
        sa.PrimaryKeyConstraint("client", "category", "patient"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_access_permit_patient", "access_permit", ["patient"])


def _audit() -> None:
    op.create_table(
        "audit_event",
        sa.Column("number", sa.BigInteger(), nullable=False, autoincrement=False),
        *_text("id", "at", "kind", "outcome", "agent", "patient"),
        _bytes("body"),
        _bytes("digest"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ux_audit_event_id", "audit_event", ["id"], unique=True)
    op.create_index("ix_audit_event_patient", "audit_event", ["patient", "number"])
    op.create_index("ix_audit_event_agent", "audit_event", ["agent", "number"])
    op.create_index("ix_audit_event_at", "audit_event", ["at"])
    op.create_table(
        "audit_head",
        *_text("chain"),
        sa.Column("number", sa.BigInteger(), nullable=False, autoincrement=False),
        _bytes("digest"),
        sa.PrimaryKeyConstraint("chain"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_event_no_{verb.lower()} BEFORE {verb} ON audit_event"
                " BEGIN SELECT RAISE(ABORT, 'append only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'append only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event"
        " FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()"
    )

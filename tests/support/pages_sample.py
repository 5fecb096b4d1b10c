"""A small invented territory for the pages: always the same, on a Saturday morning in March."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import RejectedError
from gateway.core.facts import LedgerLine, Status
from gateway.core.issues import Issue, Severity
from gateway.core.messages import InboxStatus
from gateway.core.worklist import SavedView
from gateway.entry.web.data import (
    AgeRow,
    Badges,
    DeliveryLine,
    DeliveryList,
    GapFilter,
    MessageLine,
    MessageList,
    MessagePage,
    Overview,
    Pulse,
    Trace,
    Worklist,
)
from gateway.entry.web.forms import Form
from gateway.entry.web.people import Colleague
from gateway.entry.web.values import (
    Evidence,
    Feed,
    Gap,
    GapPage,
    Hole,
    Mark,
    Path,
    Person,
    Silence,
    Stay,
    Step,
)
from gateway.pipeline.document_timeline import DocumentTimeline
from tests.support.pages_instants import NOW, at
from tests.support.pages_people import HOSTILE, JEANNE, LONG, LUCIE, NORA, PAUL, SAMIR, ZOE
from tests.support.pages_sample_documents import DOCUMENT
from tests.support.pages_work import CLAIRE, CONTACTS, IDENTITIES, LADDER, WORK

NAMES = {
    "TRX-08": {"fr": "Transfert sans arrivée", "en": "Transfer without arrival"},
    "ORI-08": {"fr": "HAD acceptée, pas de première visite", "en": "Accepted at home, no visit"},
    "TRX-01": {
        "fr": "Lettre de liaison absente le jour de la sortie",
        "en": "No discharge letter on discharge day",
    },
    "TRX-03": {"fr": "Lettre non transmise au médecin traitant", "en": "Letter not sent to the GP"},
    "VIL-04": {"fr": "Suite promise sans rendez-vous", "en": "Promised follow-up, no appointment"},
}


def _gap(
    id_: str, rule: str, severity: str, person: Person, why: tuple[str, str],
    lanes: tuple[str, str], anchor: datetime, deadline: datetime, **more: object,
) -> Gap:  # fmt: skip
    status = more.pop("status", Status.OVERDUE)
    opened = deadline + timedelta(hours=2) if status is not Status.PENDING else None
    base = Gap(
        id_, 1, rule, 3, severity, Status(str(status)), NAMES[rule],
        {"fr": why[0], "en": why[1]}, person, *lanes, anchor, deadline, opened,
        work="a-traiter" if status is Status.OVERDUE else "", version=1,
        next={"fr": "Appeler l’accueil attendu", "en": "Call where they are expected"},
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


GAPS = (
    _gap("g-lucie", "TRX-08", "critical", LUCIE,
         ("Sortie de pneumologie jeudi 15:20, aucune admission vue au SMR Les Tilleuls.",
          "Left pneumology Thursday 15:20, no admission seen at SMR Les Tilleuls."),
         ("mco", "smr"), at(12, 15, 20), at(13, 3, 20)),
    _gap("g-samir", "ORI-08", "critical", SAMIR,
         ("Retour à domicile hier 16:00, aucune visite vue.",
          "Went home yesterday 16:00, no visit seen."),
         ("mco", "had"), at(13, 16), at(14, 4)),
    _gap("g-paul", "TRX-01", "major", PAUL,
         ("Sortie mardi 11:00, aucune lettre reçue. Flux documents à jour.",
          "Left Tuesday 11:00, no letter received. Document feed up to date."),
         ("mco", "home"), at(10, 11), at(10, 23, 59), work="en-cours",
         owner=CLAIRE.id, owner_name=CLAIRE.name),
    _gap("g-nora", "TRX-03", "major", NORA,
         ("Lettre écrite le 11 mars, aucune remise vue chez le médecin traitant.",
          "Letter written on 11 March, no delivery seen at the GP."),
         ("mco", "home"), at(11, 9), at(11, 23, 59)),
    _gap("g-zoe", "VIL-04", "minor", ZOE,
         ("Scanner promis dans la lettre du 20 février, aucun rendez-vous vu.",
          "Scan promised in the letter of 20 February, no appointment seen."),
         ("mco", "home"), at(1, 9), at(6, 23, 59)),
    _gap("g-long", "TRX-08", "critical", LONG,
         ("Sortie vendredi 22:10 vers le SMR.", "Left Friday 22:10 for rehabilitation."),
         ("mco", "smr"), at(13, 22, 10), at(14, 10, 25), status=Status.PENDING),
)  # fmt: skip
UNCONFIRMED = (
    _gap("g-jeanne", "TRX-01", "major", JEANNE,
         ("Sortie jeudi 10:00. Le flux documents est muet depuis.",
          "Left Thursday 10:00. The document feed has been silent since."),
         ("mco", "home"), at(12, 10), at(12, 23, 59), status=Status.UNCONFIRMED, opened_at=None),
)  # fmt: skip
CLOSED = (
    _gap("g-closed", "TRX-08", "critical", PAUL,
         ("Sortie du 8 mars, admission vue au SMR.", "Left on 8 March, admission seen."),
         ("mco", "smr"), at(8, 10), at(8, 22), status=Status.MET_LATE, closed_at=at(9, 7, 52)),
    _gap("g-reported", "TRX-01", "major", SAMIR,
         ("Lettre écrite à l’heure, reçue le lendemain.", "Letter on time, received a day later."),
         ("mco", "home"), at(9, 16), at(9, 23, 59), status=Status.MET, closed_at=at(10, 11, 30)),
)  # fmt: skip
FEEDS = (
    Feed("CH Exemple:DOC", "silent", at(13, 14, 5), 4_120, 12),
    Feed("CHU Exemple:ADT", "live", at(14, 9, 39), 51_244),
    Feed("SMR Les Tilleuls:ADT", "live", at(14, 9, 31), 1_980),
    Feed("HAD Exemple:ADT", "live", at(14, 8, 58), 640),
)

ISSUE = Issue(
    "RLS-MAP-001", Severity.ERROR, "PID-7", "no usable value for Patient.birthDate.",
    "Send PID-7 (HL7 v2.5 PID-7).", 101,
)  # fmt: skip
ER7 = (
    "MSH|^~\\&|GAM|CHU-EXEMPLE|RELAIS|REGION|20260312153108||ADT^A03^ADT_A03|A0017|P|2.5^FRA^2.11\r"
    "EVN||20260312153100||||20260312152000\r"
    "PID|||0042^^^CHU-EXEMPLE&990001000&M^PI||PAT-ROSIER^Lucie^^^^^L||19540512|F\r"
    f"PV1||I|3120^^^990001000||||||||||||||||V77^^^CHU-EXEMPLE|{HOSTILE}\r"
    "ZBE|M4^GAM||||INSERT\r"
)


def _message(number: int, status: InboxStatus, type_: str, *issues: Issue) -> MessageLine:
    received = NOW - timedelta(minutes=7 * (60 - number))
    return MessageLine(
        number, received, type_, "GAM, CHU-EXEMPLE", "cda" if type_.startswith("CDA") else "mllp",
        status, f"A{number:04}", issues, ("zbe-shifted",) if number == 41 else (), 0,
    )  # fmt: skip


MESSAGES = (
    _message(42, InboxStatus.CONVERTED, "ADT^A03"),
    _message(41, InboxStatus.QUARANTINED, "ADT^A01", ISSUE),
    _message(40, InboxStatus.CONVERTED, "CDA 11490-0"),
    _message(39, InboxStatus.IGNORED, "ADT^A32"),
    _message(38, InboxStatus.CONVERTED, "SIU^S12"),
)
DELIVERIES = (
    DeliveryLine(9, "mssante", "DocumentReference/d1", "medecin.exemple.mssante.fr",
                 DeliveryStatus.CONFIRMED, "delivered", 1, at(13, 10), at(13, 10), "250"),
    DeliveryLine(8, "fhir_hook", "DetectedIssue/g-lucie", "dac.exemple.fr",
                 DeliveryStatus.RETRY_WAIT, "", 3, at(13, 9), at(14, 10, 12), "503"),
    DeliveryLine(7, "mssante", "DocumentReference/d2", "clinique.exemple.mssante.fr",
                 DeliveryStatus.REFUSED, "", 1, at(12, 18), at(12, 18), "552 boîte pleine"),
)  # fmt: skip


def _holes(gaps: Sequence[Gap]) -> tuple[Hole, ...]:
    return tuple(Hole(gap, gap.deadline, gap.target) for gap in gaps if gap.deadline)


def path_of(person: Person) -> Path:
    """Return the path of a person: stays, letters, sends, and the gaps as holes."""
    holes = [gap for gap in (*GAPS, *UNCONFIRMED, *CLOSED) if gap.person.id == person.id]
    if person.id != LUCIE.id:
        return Path(person, holes=_holes(holes))
    return Path(
        person,
        (
            Stay("home", "Domicile", at(1), at(4, 17, 40)),
            Stay("mco", "HDJ chimiothérapie, cure 3", at(2, 8, 30), at(2, 17)),
            Stay("urg", "Urgences", at(4, 18, 10), at(4, 23)),
            Stay("mco", "Pneumologie, CHU Exemple", at(4, 23), at(12, 15, 20)),
        ),
        (
            Mark("doc", "Lettre de liaison à la sortie", at(12, 14, 50), link="/messages/40"),
            Mark("doc", "CR anatomopathologie", at(6), until=at(7)),
            Mark("snd", "Médecin traitant", at(12, 15, 2), "ok", link="/deliveries"),
            Mark("snd", "SMR Les Tilleuls", at(12, 15, 7), "ko", link="/deliveries"),
            Mark("smr", "Accord du SMR", at(9, 16), "ask"),
        ),
        _holes(holes),
        (Silence("doc", at(1, 6), at(3, 6)),),
        identities=IDENTITIES,
    )


def _steps(gap: Gap) -> tuple[Step, ...]:
    heard = {"fr": "ZBE-2, entendu 15:31", "en": "ZBE-2, heard 15:31"}
    return (
        Step("start", gap.anchor, origin=heard, message=42),
        Step(
            "allowed", span=timedelta(hours=12), origin={"fr": "TRX-08, v3", "en": "TRX-08, v3"},
            text={"fr": "(heures écoulées)", "en": "(elapsed hours)"},
        ),
        Step("due", gap.deadline),
        Step("grace", span=timedelta(hours=2)),
        Step("checked", gap.opened_at),
        Step("late", span=(gap.closed_at or NOW) - (gap.deadline or NOW)),
    )  # fmt: skip


class SamplePageData:
    """`PageData` over the invented territory; retry and discard really change it."""

    def __init__(self, *, empty: bool = False) -> None:
        self.rows = {} if empty else {line.number: line for line in MESSAGES}
        self.gaps = () if empty else (*GAPS, *UNCONFIRMED, *CLOSED)
        self.empty, self.ledger = empty, 10
        self.saved: tuple[SavedView, ...] = ()
        self.touched: frozenset[str] = frozenset()

    def _of(self, view: str) -> list[Gap]:
        if view == "closed":
            return [gap for gap in self.gaps if gap.closed_at]
        if view == "unconfirmed":
            return [gap for gap in self.gaps if gap.status is Status.UNCONFIRMED]
        if view == "today":
            return [gap for gap in self.gaps if gap.status is Status.PENDING]
        return [gap for gap in self.gaps if gap.is_open]

    async def badges(self) -> Badges:
        held = sum(row.status is InboxStatus.QUARANTINED for row in self.rows.values())
        return Badges(len(self._of("open")), held)

    async def overview(self, now: datetime) -> Overview:
        if self.empty:
            ages = tuple(AgeRow(s, (0, 0, 0, 0)) for s in ("critical", "major", "minor"))
            return Overview((), ages, 0, 0, (), (), 0, (), (0,) * 24, {}, {})
        ages = (
            AgeRow("critical", (2, 0, 0, 0)),
            AgeRow("major", (0, 2, 0, 0)),
            AgeRow("minor", (0, 0, 0, 1)),
        )
        due = ((at(14, 10, 25), "critical"), (at(14, 10, 40), "major"), (at(14, 18), "minor"),
               (at(14, 23, 59), "major"), (at(14, 23, 59), "minor"))  # fmt: skip
        flow = tuple((hour * 7) % 41 + 3 for hour in range(24))
        inbox = {InboxStatus.CONVERTED: 57_612, InboxStatus.QUARANTINED: 1, InboxStatus.IGNORED: 9}
        outbox = {
            DeliveryStatus.CONFIRMED: 214, DeliveryStatus.RETRY_WAIT: 1, DeliveryStatus.REFUSED: 1
        }  # fmt: skip
        first = (*self._of("open")[:2], *self._of("today"), *self._of("open")[2:4])
        return Overview(
            first, ages, 5, 3, due, tuple(self._of("closed")), 12, FEEDS, flow, inbox, outbox
        )

    async def act(
        self, forms: Mapping[str, Form], who: Colleague, now: datetime
    ) -> dict[str, int | tuple[str, ...]]:
        return dict.fromkeys(forms, ("RLS-GAP-008",))

    async def alike(self, gap_ids: Sequence[str]) -> bool:
        return True

    async def save_view(self, person: str, name: str, query: str) -> None:
        self.saved = (*self.saved, SavedView(name, query))

    async def drop_view(self, person: str, name: str) -> None:
        self.saved = tuple(one for one in self.saved if one.name != name)

    async def worklist(self, wanted: GapFilter, now: datetime) -> Worklist:
        rows = [
            gap
            for gap in self._of(wanted.view)
            if wanted.severity in ("", gap.severity) and wanted.rule in ("", gap.rule)
        ]
        views = {name: len(self._of(name)) for name in ("open", "today", "unconfirmed", "closed")}
        shown = tuple(rows[wanted.start : wanted.start + 50])
        estabs = {"990001000": "CHU Exemple", "990002000": "SMR Les Tilleuls"}
        return Worklist(
            shown, len(rows), False, views, NAMES, estabs, {CLAIRE.id: CLAIRE.name}, self.saved
        )

    async def gap(self, gap_id: str, now: datetime) -> GapPage | None:
        gap = next((gap for gap in self.gaps if gap.id == gap_id), None)
        if gap is None:
            return None
        lines = [
            LedgerLine(gap.anchor, gap.id, 1, gap.rule, 3, None, Status.PENDING, "trigger"),
            LedgerLine(
                gap.opened_at or NOW,
                gap.id,
                1,
                gap.rule,
                3,
                Status.PENDING,
                Status.OVERDUE,
                "timer",
            ),
        ]
        if gap.closed_at:
            lines.append(
                LedgerLine(
                    gap.closed_at, gap.id, 1, gap.rule, 3, Status.OVERDUE, gap.status, "closer"
                )
            )
        return GapPage(
            gap,
            {"fr": "une admission au SMR Les Tilleuls", "en": "an admission at SMR Les Tilleuls"},
            {"fr": "défaut Relais, réglable", "en": "Relais default, adjustable"},
            _steps(gap),
            (
                Evidence(
                    "ENC.DISCHARGE", at(12, 15, 20), None, at(12, 15, 31), "CHU Exemple:ADT", 42
                ),
                Evidence("DOC.LDL_SES", at(12), at(13), at(13, 8), "CHU Exemple:DOC", 40),
            ),
            (
                {"fr": "une admission dans un autre établissement", "en": "an admission elsewhere"},
                {"fr": "un retour à l’établissement de départ", "en": "a return to the sender"},
            ),
            tuple(lines),
            FEEDS[2:3],
            path_of(gap.person),
            WORK if gap.is_open else None,
            CONTACTS,
            LADDER if gap.is_open else (),
        )

    async def glass_until(self, patient_id: str) -> datetime | None:
        """Say that everybody is seen by right."""
        return None

    async def path(self, patient_id: str, now: datetime) -> Path | None:
        people = {gap.person.id: gap.person for gap in self.gaps}
        return path_of(people[patient_id]) if patient_id in people else None

    async def messages(
        self, statuses: Sequence[InboxStatus], kind: str, before: int | None
    ) -> MessageList:
        rows = [
            row
            for row in self.rows.values()
            if row.status in (statuses or InboxStatus) and row.type.startswith(kind)
            and row.number < (before or 10**9)
        ]  # fmt: skip
        counts: dict[InboxStatus, int] = {}
        for row in self.rows.values():
            counts[row.status] = counts.get(row.status, 0) + 1
        return MessageList(tuple(rows), None, counts)

    async def message(self, number: int) -> MessagePage | None:
        line = self.rows.get(number)
        if line is None:
            return None
        if line.channel == "cda":
            body = f"<ClinicalDocument><title>{HOSTILE}</title></ClinicalDocument>".encode()
            return MessagePage(line, body, "utf-8", "", len(body), ("DocumentReference/d1",), ())
        trace = (
            Trace("Patient/p-lucie", "name[0]", '{"family":"PAT-ROSIER"}', "PID-5[1]",
                  "patient_name", "PAM-FR 2.11 6.6.1, PID-5"),
            Trace("Patient/p-lucie", "birthDate", '"1954-05-12"', "PID-7", "birth_date",
                  "PAM-FR 2.11 6.6.1, PID-7"),
            Trace("Encounter/e1", "class", '{"code":"ACUTE"}', "PV1-2, PV1-21, site table",
                  "classify", "PAM-FR 2.11 6.10.19, PV1-2 and PV1-21"),
        )  # fmt: skip
        made = line.status is InboxStatus.CONVERTED
        return MessagePage(
            line, ER7.encode(), "utf-8", "MSH|^~\\&|RELAIS\rMSA|AA|A0017\r", len(ER7),
            ("Patient/p-lucie", "Encounter/e1") if made else (), trace if made else (),
        )  # fmt: skip

    async def _held(self, number: int) -> MessageLine:
        line = self.rows.get(number)
        if line is None or line.status is not InboxStatus.QUARANTINED:
            raise RejectedError([ISSUE])
        return line

    async def retry(self, number: int) -> InboxStatus:
        line = await self._held(number)
        self.rows[number] = replace(line, status=InboxStatus.CONVERTED, issues=(), attempts=1)
        return InboxStatus.CONVERTED

    async def discard(self, number: int) -> None:
        self.rows[number] = replace(await self._held(number), status=InboxStatus.DISCARDED)

    async def deliveries(
        self, statuses: Sequence[DeliveryStatus], before: int | None
    ) -> DeliveryList:
        rows = tuple(r for r in DELIVERIES if r.status in (statuses or DeliveryStatus))
        counts = {row.status: 1 for row in DELIVERIES}
        return DeliveryList(() if self.empty else rows, None, {} if self.empty else counts)

    async def document(self, document_id: str) -> DocumentTimeline | None:
        return DOCUMENT if document_id == DOCUMENT.id else None

    async def pulse(self, after: int) -> Pulse:
        inbox = [(f"{row.status}", row.number) for row in self.rows.values()]
        return Pulse(self.ledger, tuple(inbox), (), self.touched)

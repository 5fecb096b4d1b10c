"""The messages that are known: which are used, their structure, their movement, their order.

Does not map them (`mappings/hl7v2`). Standards: PAM France 2.11 5.2 and 5.3 (ADT), HL7 v2.5 9.6
(MDM), 7.3 (ORU), 10.4 (SIU), and the CI-SIS volet on CDA documents in HL7 v2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

INSERT, UPDATE, CANCEL = "INSERT", "UPDATE", "CANCEL"

#: Patient identity feed and patient encounter management of IHE.
ITI_30, ITI_31 = "ITI-30", "ITI-31"

#: Orders movements that start at the same instant; an event without place comes last.
_RANKS = {
    "A05": 0,
    "A14": 1,
    "A01": 2,
    "A04": 2,
    "A06": 3,
    "A07": 3,
    "A02": 4,
    "A54": 4,
    "A21": 5,
    "A22": 6,
    "A16": 7,
    "A03": 8,
}
_NO_RANK = 9


@dataclass(frozen=True, slots=True)
class Event:
    """One known message.

    Attributes:
        message_type: MSH-9.1.
        trigger: MSH-9.2.
        structure: MSH-9.3.
        used: Relais makes something of it; otherwise it is kept and acknowledged, no more.
        transaction: `ITI-30`, `ITI-31`, or empty.
        actions: what ZBE-4 may say, the default first; empty when there is no ZBE.
        rank: order among movements of one instant.
    """

    message_type: str
    trigger: str
    structure: str
    used: bool = False
    transaction: str = ""
    actions: tuple[str, ...] = ()
    rank: int = _NO_RANK

    @property
    def default_action(self) -> str:
        """Return the ZBE-4 that an absent ZBE stands for, empty without movement."""
        return self.actions[0] if self.actions else ""

    @property
    def has_movement(self) -> bool:
        """Tell whether the event tells a movement, so that ZBE is required."""
        return bool(self.actions)


def _movement(trigger: str, structure: str, *actions: str, used: bool = False) -> Event:
    rank = _RANKS.get(trigger, _NO_RANK)
    return Event("ADT", trigger, structure, used, ITI_31, actions, rank)


def _identity(trigger: str, structure: str, *, used: bool = False) -> Event:
    return Event("ADT", trigger, structure, used, ITI_30)


_TABLE = (
    # Patient identity: PAM France 2.11 4.1.
    _identity("A28", "ADT_A05", used=True),
    _identity("A31", "ADT_A05", used=True),
    _identity("A40", "ADT_A39", used=True),
    _identity("A47", "ADT_A30", used=True),
    _identity("A24", "ADT_A24", used=True),
    _identity("A37", "ADT_A37", used=True),
    # Movements: PAM France 2.11 5.2. A06 and A07 cancel each other, so ZBE-4 decides.
    _movement("A05", "ADT_A05", INSERT, used=True),
    _movement("A14", "ADT_A05", INSERT, used=True),
    _movement("A01", "ADT_A01", INSERT, used=True),
    _movement("A04", "ADT_A01", INSERT, used=True),
    _movement("A06", "ADT_A06", INSERT, CANCEL, used=True),
    _movement("A07", "ADT_A06", INSERT, CANCEL, used=True),
    _movement("A02", "ADT_A02", INSERT, used=True),
    _movement("A15", "ADT_A15", INSERT, used=True),
    _movement("A54", "ADT_A54", INSERT, used=True),
    _movement("A21", "ADT_A21", INSERT, used=True),
    _movement("A22", "ADT_A21", INSERT, used=True),
    _movement("A16", "ADT_A16", INSERT, used=True),
    _movement("A03", "ADT_A03", INSERT, used=True),
    _movement("A11", "ADT_A09", CANCEL, used=True),
    _movement("A12", "ADT_A12", CANCEL, used=True),
    _movement("A13", "ADT_A01", CANCEL, used=True),
    _movement("A25", "ADT_A21", CANCEL, used=True),
    _movement("A26", "ADT_A21", CANCEL, used=True),
    _movement("A27", "ADT_A21", CANCEL, used=True),
    _movement("A38", "ADT_A38", CANCEL, used=True),
    _movement("A52", "ADT_A52", CANCEL, used=True),
    _movement("A53", "ADT_A52", CANCEL, used=True),
    _movement("A55", "ADT_A52", CANCEL, used=True),
    _movement("Z99", "ADT_A01", UPDATE, used=True),
    # Encounter management without movement segment.
    Event("ADT", "A44", "ADT_A43", used=True, transaction=ITI_31),
    Event("ADT", "A49", "ADT_A30", used=True, transaction=ITI_31),
    # Temporary transfer tracking, an option of PAM: where somebody is carried for an hour.
    Event("ADT", "A09", "ADT_A09", transaction=ITI_31),
    Event("ADT", "A10", "ADT_A09", transaction=ITI_31),
    Event("ADT", "A32", "ADT_A21", transaction=ITI_31),
    Event("ADT", "A33", "ADT_A21", transaction=ITI_31),
    # Not in the French extension and sent all the same: identity first, no movement.
    _identity("A08", "ADT_A01", used=True),
    # Documents.
    Event("MDM", "T02", "MDM_T02", used=True),
    Event("MDM", "T04", "MDM_T02", used=True),
    Event("MDM", "T10", "MDM_T02", used=True),
    Event("ORU", "R01", "ORU_R01", used=True),
    Event("ZAM", "Z01", "ZAM_Z01", used=True),
    Event("ZAM", "Z02", "ZAM_Z01", used=True),
    Event("ZAM", "Z03", "ZAM_Z01", used=True),
    # Appointments: all events share one structure.
    Event("SIU", "S12", "SIU_S12", used=True),
    Event("SIU", "S13", "SIU_S12", used=True),
    Event("SIU", "S14", "SIU_S12", used=True),
    Event("SIU", "S15", "SIU_S12", used=True),
    Event("SIU", "S16", "SIU_S12", used=True),
    Event("SIU", "S17", "SIU_S12", used=True),
    Event("SIU", "S18", "SIU_S12"),
    Event("SIU", "S19", "SIU_S12"),
    Event("SIU", "S20", "SIU_S12"),
    Event("SIU", "S21", "SIU_S12"),
    Event("SIU", "S22", "SIU_S12"),
    Event("SIU", "S23", "SIU_S12"),
    Event("SIU", "S24", "SIU_S12"),
    Event("SIU", "S26", "SIU_S12", used=True),
    # Orders and referrals.
    Event("ORM", "O01", "ORM_O01", used=True),
    Event("OMG", "O19", "OMG_O19", used=True),
    Event("OML", "O21", "OML_O21", used=True),
    Event("OMI", "O23", "OMI_O23"),
    Event("REF", "I12", "REF_I12", used=True),
    Event("REF", "I13", "REF_I12", used=True),
    Event("REF", "I14", "REF_I12", used=True),
    Event("RQA", "I08", "RQA_I08"),
)

#: Every known event by (MSH-9.1, MSH-9.2).
EVENTS: Mapping[tuple[str, str], Event] = MappingProxyType(
    {(event.message_type, event.trigger): event for event in _TABLE}
)

#: Every known MSH-9.1.
MESSAGE_TYPES = frozenset(event.message_type for event in _TABLE)


#: What a message does to its appointment: settles two words of one instant, and is no movement.
APPOINTMENT_ACTIONS: Mapping[str, str] = MappingProxyType(
    {"S13": UPDATE, "S14": UPDATE, "S15": CANCEL, "S16": CANCEL, "S17": CANCEL, "S26": CANCEL}
)


def find_event(message_type: str, trigger: str) -> Event | None:
    """Return a known event, None for any other."""
    return EVENTS.get((message_type, trigger))

"""Facts of records that were merged or taken apart: what the pathway of a person rests on.

Persons themselves follow from claims (`pipeline.persons`); these facts tell when a hospital spoke.
"""

from gateway.hl7v2.convert.merges import merged_id, one_of_two_id, renumbered_id
from gateway.hl7v2.message import Message
from gateway.hl7v2.orderfacts import FACTS
from gateway.hl7v2.telling import Telling, converter

__all__ = ["FACTS"]


@converter("merged_pair")
def merged_pair(source: Message, telling: Telling) -> str | None:
    """Return the key of a merge or a change of number: the pair of records.

    Spec: PAM France 2.11 4.1 (A40, A47).
    """
    of = merged_id if telling.context.event == "A40" else renumbered_id
    old = of(source, telling.context)
    new = telling.context.patient.id
    return f"Patient/{old}|merged|{new}" if isinstance(old, str) else None


@converter("separated_pair")
def separated_pair(source: Message, telling: Telling) -> str | None:
    """Return the key of a separation: the pair of records, the smaller id first.

    Spec: HL7 v2.5 3.3.37 (A37).
    """
    found = [one_of_two_id(one, telling.context) for one in source.segments_named("PID")[:2]]
    pair = sorted(one for one in found if isinstance(one, str))
    return f"Patient/{'|apart|'.join(pair)}" if len(pair) == len(found) else None

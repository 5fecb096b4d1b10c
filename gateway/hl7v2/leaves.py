"""Every valued leaf of a message, for `--explain`, conformance and measurements.

Does not interpret them. Standard: HL7 v2.5 2.5.3.
"""

from gateway.hl7v2.cells import TEXT_FIELDS, Dialect
from gateway.hl7v2.message import Message

#: Segment name, which of its name, field, repetition, component, sub-component (all from 1), and
#: the decoded text (empty for `""`). A plain tuple: a message has hundreds.
Leaf = tuple[str, int, int, int, int, int, str]


def leaves(message: Message) -> list[Leaf]:
    """Return every leaf that holds something, in the order of the message."""
    _, coded, text, literal, _ = message._dialects
    repetition = message.separators.repetition
    found: list[Leaf] = []
    for cell in message._cells:
        name, ordinal = cell.name, cell.ordinal
        header = name == "MSH"
        free_text = TEXT_FIELDS.get(name)
        for number, raw in enumerate(cell.fields):
            if not raw or not number:
                continue
            if header and number < 3:
                found.append((name, 1, number, 1, 1, 1, literal.leaf(raw)))
                continue
            dialect = text if number == free_text and cell.is_text(number) else coded
            if repetition in raw:
                for at, one in enumerate(raw.split(repetition), 1):
                    _split(found, (name, ordinal, number, at), one, dialect)
            elif dialect.component in raw or dialect.subcomponent in raw:
                _split(found, (name, ordinal, number, 1), raw, dialect)
            else:
                found.append((name, ordinal, number, 1, 1, 1, dialect.leaf(raw)))
    return found


def _split(found: list[Leaf], place: tuple[str, int, int, int], raw: str, dialect: Dialect) -> None:
    """Add the leaves of one repetition."""
    name, ordinal, number, at = place
    leaf, by = dialect.leaf, dialect.subcomponent
    for component, part in enumerate(raw.split(dialect.component), 1):
        if by in part:
            for subcomponent, one in enumerate(part.split(by), 1):
                if one:
                    found.append((name, ordinal, number, at, component, subcomponent, leaf(one)))
        elif part:
            found.append((name, ordinal, number, at, component, 1, leaf(part)))

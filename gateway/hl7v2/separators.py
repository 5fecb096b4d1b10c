"""The encoding characters of one message, MSH-1 and MSH-2.

Does not read segments (`hl7v2.reader`). Standard: HL7 v2.5 2.5.4 and 2.14.9.1 to 2.14.9.2; the
fifth character of MSH-2 is the truncation character of HL7 v2.7.
"""

from dataclasses import dataclass
from functools import lru_cache

#: Stands for a role a short MSH-2 does not give: read text never holds NUL, so nothing splits.
ABSENT = "\0"


@dataclass(frozen=True, slots=True)
class Separators:
    """The characters that cut a message; `ABSENT` where the sender declares none."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ABSENT

    @property
    def msh_2(self) -> str:
        """Return MSH-2 as an answer in this encoding writes it, without invented characters."""
        roles = (self.component, self.repetition, self.escape, self.subcomponent, self.truncation)
        return "".join(role for role in roles if role != ABSENT)


#: What an answer uses when the input gave nothing usable.
STANDARD = Separators()


@lru_cache(maxsize=64)
def parse_separators(field: str, msh_2: str) -> tuple[Separators, str] | None:
    r"""Give each character of MSH-2 its role; None when no message can be cut with them.

    Args:
        field: MSH-1.
        msh_2: the characters up to the next MSH-1.

    Returns:
        The separators and a flag: `msh2-short` when roles are missing, `msh2-repair` when a
        doubled backslash (`^~\\&`, made by a JSON relay) was undone, else empty.
    """
    roles = list(msh_2)
    flag = ""
    if len(roles) == 5 and roles[2] == roles[3]:
        del roles[3]
        flag = "msh2-repair"
    if not 1 <= len(roles) <= 5 or not _usable(field, *roles):
        return None
    if len(roles) < 4:
        flag = "msh2-short"
        if len(roles) == 3 and roles[2] == "&":
            # `^~&`: what was lost is the backslash, not the meaning of the ampersand.
            roles.insert(2, ABSENT)
    roles += [ABSENT] * (5 - len(roles))
    return Separators(field, *roles), flag


def _usable(*characters: str) -> bool:
    """Tell whether the characters are distinct, visible, ASCII and neither letter nor digit."""
    if len(set(characters)) != len(characters):
        return False
    return all("!" <= one <= "~" and not one.isalnum() for one in characters)

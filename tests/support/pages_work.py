"""The work on the gaps of the invented territory: who has them, who can act, who is told next."""

from gateway.entry.web.people import Colleague
from gateway.entry.web.values import Contact, Identity, Rung, Work, WorkStep
from tests.support.pages_instants import at

CLAIRE = Colleague("899700218896", "MOREL Claire", may_act=True)
WORK = Work(
    3, "in-progress", "en-cours", CLAIRE.id, CLAIRE.name, latest=at(14, 21, 40),
    can=frozenset({"take", "return", "assign", "wait", "defer", "note", "mute", "close"}),
    history=(
        WorkStep("noted", at(14, 8, 40), CLAIRE.name, "Le SMR rappelle avant midi."),
        WorkStep("taken", at(14, 8, 31), CLAIRE.name),
    ),
)  # fmt: skip
CONTACTS = (
    Contact("source", "CHU Exemple", (("phone", "04 00 00 00 00"),), "990001000"),
    Contact("target", "SMR Les Tilleuls", (("phone", "04 00 00 00 01"),
            ("mss", "admissions@tilleuls.exemple.mssante.fr")), "990002000"),
    Contact("doctor", "Dr PAT-MARTIN Inès"),
)  # fmt: skip
LADDER = (Rung("UNIT", at(13, 5, 20), True), Rung("CADRE", at(14, 11, 20), False),
          Rung("DAC", at(14, 17, 20), False))  # fmt: skip
IDENTITIES = (Identity("0042", "CHU Exemple"), Identity("0017", "CHU Exemple", merged=True),
              Identity("S-9", "SMR Les Tilleuls"))  # fmt: skip

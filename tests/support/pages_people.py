"""The invented persons of the pages' territory."""

from datetime import date

from gateway.entry.web.values import Person

#: A name that is an attack, and one that turns the text around it.
HOSTILE = '<img src=x onerror="document.title=1">'
TURNED = "PAT-\u202eEGDIRB Zoé"


LUCIE = Person("p-lucie", "PAT-ROSIER Lucie", date(1954, 5, 12), "female", "qualified")
SAMIR = Person("p-samir", "PAT-ALDER Samir", date(1967, 11, 3), "male", "qualified")
JEANNE = Person("p-jeanne", "PAT-O’MALLEY Jeanne", date(1942, 7, 30), "female", "unverified")
PAUL = Person("p-paul", "PAT-GERBIER Paul", date(1959, 1, 21), "male", "qualified")
NORA = Person("p-nora", HOSTILE, date(1976, 9, 9), "female", "none")
ZOE = Person("p-zoe", TURNED, None, "unknown", "none")
LONG = Person(
    "p-long", "PAT-" + "VANDERSCHOTTEN-" * 7 + "LE-GRAND Marie-Bérengère", date(1990, 2, 2)
)

"""Tables of invented and ordinary words that people, streets and towns are named with."""

FAMILIES = (
    "ALOUETTE", "AUBÉPINE", "BARGE", "BÉCASSINE", "BOULEAU", "BRUANT", "CHARDON", "CHEVÊCHE",
    "CORMORAN", "COURLIS", "ÉPERVIER", "FAUVETTE", "FOUGÈRE", "GENÉVRIER", "GRIVE", "HÉRON",
    "HIBOU", "HULOTTE", "LORIOT", "MARTINET", "MÉSANGE", "MOUETTE", "NOISETIER", "ORMEAU",
    "PÂQUERETTE", "PERDRIX", "PINSON", "ROITELET", "ROUGEGORGE", "SARCELLE", "SITTELLE",
    "SORBIER", "TADORNE", "TOURTERELLE", "TROGLODYTE", "VANNEAU", "VERDIER", "L'HUÎTRIER",
    "DE LA CHÊNAIE", "SAULE-BLANC",
)  # fmt: skip
WOMEN = (
    "ADÈLE", "AMÉLIE", "ANNE-SOPHIE", "CÉCILE", "CLAIRE", "DOMINIQUE", "ÉLISE", "FRANÇOISE",
    "GAËLLE", "HÉLÈNE", "INÈS", "JEANNE", "LÉA", "MARGUERITE", "MAÏTÉ", "NOÉMIE", "ODILE",
    "PAULINE", "RENÉE", "SIMONE", "THÉRÈSE", "YVONNE", "ZOÉ",
)  # fmt: skip
MEN = (
    "ANDRÉ", "BENOÎT", "CAMILLE", "DENIS", "ÉMILE", "FRANÇOIS", "GASTON", "HENRI", "JEAN-PIERRE",
    "JOËL", "LÉON", "LOUIS", "MARCEL", "MATHIEU", "NOËL", "OLIVIER", "PAUL", "RENÉ", "STÉPHANE",
    "THÉO", "VALENTIN", "YVES",
)  # fmt: skip
DOCTOR_FAMILIES = (
    "ACHEULÉEN", "BASALTE", "CALCAIRE", "DOLOMITE", "FELDSPATH", "GRANITE", "GRÈS", "MARNE",
    "MICASCHISTE", "OBSIDIENNE", "PORPHYRE", "QUARTZITE", "SCHISTE", "TRAVERTIN", "TUFFEAU",
)  # fmt: skip
STREETS = (
    "rue des Essais", "allée du Banc-de-Test", "impasse de l'Échantillon", "chemin du Prototype",
    "place de la Maquette", "avenue du Gabarit", "quai de l'Épreuve", "rue & passage du Calque",
)  # fmt: skip
TOWNS = (
    ("VAL-DES-ESSAIS", "99001"), ("SAINT-GABARIT", "99002"), ("MAQUETTE-LE-BOURG", "99003"),
    ("LA ROCHE-FICTIVE", "99004"), ("ÉPREUVE-SUR-CALQUE", "99005"),
)  # fmt: skip
#: COG codes 99001 to 99099 are given to no country: a matricule made with one is nobody's.
BIRTH_PLACES = tuple(f"990{number:02d}" for number in range(1, 100))

"""The official validator judges everything we emit: `python -m tests.official`.

HAPI's FhirInstanceValidator runs in a small Java program (`src/main/java/Judge.java`) on the R4
definitions, a published FR Core package and our own definitions. What it finds is about something
that is absent at hand (`absent`), explained (`explained`), or a failure.
"""

"""`python -m tests.official`: print what the official validator says; exit 1 when it is a fault."""

import logging
import sys

import structlog

from tests.conftest import corpus, packages
from tests.official.validator import missing
from tests.official.verdict import VERSIONS, verdict


def main() -> int:
    """Judge with each package, print a table each, and return the exit code."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    folder = packages()
    reason = missing() or ("" if folder else "FR Core not found: set RELAIS_TEST_PACKAGES")
    if reason or folder is None:
        sys.stdout.write(f"{reason}\n")
        return 0
    if corpus() is None:
        sys.stdout.write("without the published samples: set RELAIS_TEST_CORPUS\n")
    wrong = 0
    for version in VERSIONS:
        found = verdict(version, folder)
        sys.stdout.write(f"\nFR Core {version}: {len(found.resources)} resources judged\n")
        for (name, severity), count in sorted(found.classes().items()):
            sys.stdout.write(f"  {count:6} {severity:8} {name}\n")
        for resource, finding in found.failures():
            sys.stdout.write(f"  {resource} {finding.place}: {finding.message}\n")
        errors = sum(1 for _, finding in found.failures())
        sys.stdout.write(f"  {errors:6} failures\n")
        wrong += errors
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

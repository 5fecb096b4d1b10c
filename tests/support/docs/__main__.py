"""Rewrite every generated page: `python -m tests.support.docs`."""

import sys

from tests.support.docs.pages import PAGES, ROOT, current, field_states


def main() -> None:
    """Write what changed and name it."""
    for path, page in (*PAGES.items(), field_states()):
        text = page()
        if text != current(path):
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()

"""The generated pages of docs/: `python -m tests.support.docs` writes them, a test compares."""

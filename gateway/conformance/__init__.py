"""Validators and the test kit; the only home of hl7apy."""

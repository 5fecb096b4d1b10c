"""The synthetic region: people, stays, letters and transport faults, the same for the same seed."""

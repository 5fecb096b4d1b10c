"""The shared vocabulary; depends on nothing above."""

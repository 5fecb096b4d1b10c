"""Who may receive what, by which channel, and why."""

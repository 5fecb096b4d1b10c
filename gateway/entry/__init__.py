"""Entry points: sockets, environment, processes; nothing here decides anything about health data."""

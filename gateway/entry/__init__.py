"""Entry points: sockets, environment, processes; nothing here decides about health data."""

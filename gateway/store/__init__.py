"""Tables and queries; SQLite and PostgreSQL behind `core.ports.Store`."""

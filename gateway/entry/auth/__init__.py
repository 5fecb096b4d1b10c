"""How callers prove who they are: software clients (SMART Backend Services)."""

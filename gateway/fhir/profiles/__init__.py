"""Profiles: whether a resource is what a StructureDefinition says, snapshot by snapshot."""

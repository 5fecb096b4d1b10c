"""The synthetic region and the local doubles of outside systems."""

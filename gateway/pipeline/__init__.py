"""Use cases: the order of the steps and the transaction borders, one verb a file."""

"""French CDA R2 documents: safe reading, header, sections, converters."""

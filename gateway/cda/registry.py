"""The table the CDA converters register in; `cda.convert` imports every module that fills it."""

from gateway.mapping.converters import Converters

TABLE = Converters()
converter = TABLE.converter

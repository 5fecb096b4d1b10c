"""The table the CDA converters register in; `cda.convert` imports every module that fills it."""

from gateway.cda.paths import Selector
from gateway.mapping.converters import Converters

TABLE = Converters(Selector)
converter = TABLE.converter

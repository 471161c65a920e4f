"""Records of runs and frozen tables: checksummed, written whole or not at all, and read back only if intact."""

from .files import CorruptResultError
from .records import RunStore
from .tables import freeze, load_table, to_table

__all__ = ["CorruptResultError", "RunStore", "freeze", "load_table", "to_table"]

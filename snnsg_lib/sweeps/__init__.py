"""Many configurations of one experiment: on one machine or a cluster, resumed after any interruption."""

from .configs import grid
from .packs import pack, read_pack, stale_records, unpack, write_pack
from .parent import sweep
from .work import Failure, name_of

__all__ = ["Failure", "grid", "name_of", "pack", "read_pack", "stale_records", "sweep", "unpack", "write_pack"]

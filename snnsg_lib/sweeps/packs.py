"""Run records of a study under way in one file: small enough for a repository, and resumed from on another machine."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import os
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from snnsg_lib.provenance import canonical, source_hash
from snnsg_lib.store import CorruptResultError, RunStore
from snnsg_lib.store.files import decode, encode, write_atomically

from .parent import record_key
from .work import Record, name_of

# Of gzip without name, time and system, so that equal records give equal bytes, and with a comment: the SHA-256 of all
# that follows, since a bit may differ in what gzip does not look at.
_HEADER = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x02\xff"
_DIGEST = slice(len(_HEADER), len(_HEADER) + 64)


def pack(directory: str | Path, path: str | Path) -> int:
    """Write the records that the latest sweep in `directory` has so far into `path`; return how many.

    ValueError if there is no sweep or no record yet, OSError if `path` cannot be written.
    """
    store = RunStore(directory)
    keys = (store.read_manifest() or {"keys": []})["keys"]
    records = [record for key in keys if (record := store.get(key)) is not None]
    if not records:
        raise ValueError(f"nothing to pack: {directory} holds no run of a sweep")
    write_pack(path, records)
    return len(records)


def unpack(path: str | Path, run: Callable, configs: Sequence[Any], directory: str | Path) -> int:
    """Put the packed records of `configs` that the code of `run` has made into the sweep's `directory`.

    Parameters
    ----------
    path : str or Path
        What `pack` wrote. A damaged file is set aside with a warning, and none of it is used.
    run, configs, directory
        As for `sweep`. A record that is already in the directory stays.

    Returns
    -------
    int
        How many packed records were made by other code; they are left where they are.
    """
    records, made = read_pack(path), _made_by(run)
    packed = {canonical(record["config"]): record for record in records if _made(record) == made}
    store = RunStore(directory)
    for config in configs:
        record, key = packed.get(canonical(dataclasses.asdict(config))), record_key(run, config, made[1])
        if record is not None and store.get(key) is None:
            store.put(key, record)
    return len(stale_records(records, run))


def stale_records(records: Sequence[Record], run: Callable) -> list[Record]:
    """Return the records that other code than that of `run`, as it is now, has made."""
    made = _made_by(run)
    return [record for record in records if _made(record) != made]


def _made_by(run: Callable) -> tuple[str, str]:
    return name_of(run), source_hash(run)


def _made(record: Record) -> tuple[str, str]:
    return record["run"], record["source"]


def write_pack(path: str | Path, records: Sequence[Record]) -> None:
    """Write records with their checksum; a crash at any moment leaves the old file or the new one."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
        file.write(encode({"records": list(records)}))
    body = buffer.getvalue()[len(_HEADER) :]
    write_atomically(Path(path), _HEADER + _digest(body) + b"\0" + body)


def read_pack(path: str | Path) -> list[Record]:
    """Return the records of a pack, none if there is no such file; a damaged one is set aside with a warning."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    try:
        return _decoded(data)
    except CorruptResultError as error:
        _set_aside(path, error)
        return []


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _decoded(data: bytes) -> list[Record]:
    end = _DIGEST.stop
    if data[: len(_HEADER)] != _HEADER or data[end : end + 1] != b"\0":
        raise CorruptResultError("it does not begin as a pack does")
    if data[_DIGEST] != _digest(data[end + 1 :]):
        raise CorruptResultError("its checksum does not agree")
    try:
        text = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptResultError(f"not a whole pack: {error}") from error
    return decode(text)["records"]


def _set_aside(path: Path, error: CorruptResultError) -> None:
    target = path.with_name(f"{path.name}.damaged")
    try:
        os.replace(path, target)
    except OSError:
        target = path  # a folder that cannot be written: it stays, and stays unused
    warnings.warn(f"{path} is damaged ({error}): set aside as {target}, not used", stacklevel=4)

"""Files that are whole or absent: checksums, atomic writes, and the removal of what a crash left behind."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snnsg_lib.provenance import sha256

_TEMP = re.compile(r"\..+\.(?P<host>[0-9a-f]{8})\.(?P<pid>\d+)\.\d+\.tmp")
_counter = itertools.count()


class CorruptResultError(ValueError):
    """A stored result whose content does not agree with its checksum."""


def encode(body: Mapping[str, Any]) -> bytes:
    """Return `body` as JSON with its SHA-256. ValueError for NaN and Inf."""
    text = _dump(body)
    return _dump({"sha256": sha256(text), "body": body}).encode()


def decode(data: bytes) -> dict[str, Any]:
    """Return the body that `encode` wrote; CorruptResultError if a single bit differs."""
    try:
        text = data.decode("utf-8")
        document = json.loads(text)
        intact = _dump(document) == text and sha256(_dump(document["body"])) == document["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptResultError(f"not a whole record: {error}") from error
    if not intact:
        raise CorruptResultError("its checksum does not agree")
    return document["body"]


def encode_lines(body: Mapping[str, Any], indent: int | None = None) -> bytes:
    """Return JSON with one line for each entry, or with entries laid out by `indent`: it can be read and compared."""
    entries = {"sha256": sha256(_dump(body)), **body}
    lines = (f"{_dump(key)}: {_dump(value, indent)}" for key, value in entries.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def decode_lines(data: bytes, indent: int | None = None) -> dict[str, Any]:
    """Return the body that `encode_lines` wrote; CorruptResultError if anything but the line ends differs."""
    try:
        body = json.loads(data.decode("utf-8"))
        body.pop("sha256")
        intact = encode_lines(body, indent) == data.replace(b"\r\n", b"\n")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptResultError(f"not a whole document: {error}") from error
    if not intact:
        raise CorruptResultError("its checksum does not agree")
    return body


def _dump(value: Any, indent: int | None = None) -> str:
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(value, indent=indent, separators=separators, allow_nan=False, ensure_ascii=False)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file through a synced temporary file beside it; OSError names `path` and leaves the old file in place."""
    temp = path.with_name(f".{path.name}.{_host()}.{os.getpid()}.{next(_counter)}.tmp")
    try:
        with open(temp, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temp, path)
        _sync_folder(path.parent)
    except BaseException as error:
        temp.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, f"could not write a result: {error.strerror}", str(path)) from error
        raise


def make_folder(folder: Path) -> None:
    """Make `folder` if it is missing; OSError names it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(error.errno, f"could not make the folder: {error.strerror}", str(folder)) from error


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder; its rename is on the journal
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _host() -> str:
    return sha256(socket.gethostname())[:8]


def _is_stray(path: Path) -> bool:
    match = _TEMP.fullmatch(path.name)
    if match is None:
        return False
    if match["host"] == _host() and os.name != "nt":
        return not _is_alive(int(match["pid"]))
    try:
        return time.time() - path.stat().st_mtime > 3600  # no write takes an hour
    except FileNotFoundError:
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def remove_stray_temps(*folders: Path) -> int:
    """Remove temporary files whose writer is dead; return how many."""
    strays = [path for folder in folders for path in folder.glob(".*.tmp") if _is_stray(path)]
    for path in strays:
        path.unlink(missing_ok=True)
    return len(strays)

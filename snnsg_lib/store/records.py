"""The folder in which a sweep keeps its runs."""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from snnsg_lib.extras import extra

from .files import CorruptResultError, decode, encode, make_folder, remove_stray_temps, write_atomically


class RunStore:
    """A folder of run records, one JSON file each, shared by any number of processes.

    Parameters
    ----------
    directory : str or Path
        Made when missing. OSError names the path where that is impossible. Several machines may share it where the
        file system offers locks (`flock`).

    Notes
    -----
    `records/KEY.json` holds a record with its SHA-256, `locks/` the lock files of work in progress, `quarantine/`
    what was found damaged, and `sweep.json` the list of keys of the latest sweep.
    """

    def __init__(self, directory: str | Path):
        self.directory = Path(directory)
        self.records = self.directory / "records"
        self.locks = self.directory / "locks"
        self.quarantine = self.directory / "quarantine"
        self.manifest = self.directory / "sweep.json"
        for folder in (self.records, self.locks):
            make_folder(folder)

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the record of `key`, or None if there is none. A damaged one is set aside with a warning."""
        path = self._path(key)
        try:
            return decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except CorruptResultError as error:
            self._set_aside(path, error)
            return None

    def put(self, key: str, record: Mapping[str, Any]) -> None:
        """Write a record so that a reader, or a crash at any moment, meets the old state or the new one."""
        write_atomically(self._path(key), encode(record))

    def discard(self, key: str) -> None:
        """Remove the record of `key` if there is one."""
        self._path(key).unlink(missing_ok=True)

    @contextmanager
    def lock(self, key: str) -> Iterator[bool]:
        """Try to take the work named `key`; yield whether it is ours. The end, or the death, of the process frees it.

        Whoever takes a lock has to look again whether the record is still missing.
        """
        with extra("experiments"):
            from filelock import FileLock, Timeout

        file = FileLock(self.locks / f"{_checked_key(key)}.lock")
        try:
            file.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            file.release()

    def read_manifest(self) -> dict[str, Any] | None:
        """Return the list of the latest sweep, or None if there is none; a damaged one is set aside with a warning."""
        try:
            return decode(self.manifest.read_bytes())
        except FileNotFoundError:
            return None
        except CorruptResultError as error:
            self._set_aside(self.manifest, error)
            return None

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write the list of the latest sweep."""
        write_atomically(self.manifest, encode(manifest))

    def latest_runs(self) -> list[dict[str, Any]]:
        """Return the records of the latest sweep in its order; ValueError if one is missing."""
        manifest = self.read_manifest()
        if manifest is None:
            raise ValueError(f"{self.directory} holds no finished sweep; run sweep(...) into it first")
        records = [self.get(key) for key in manifest["keys"]]
        if missing := records.count(None):
            raise ValueError(
                f"{self.directory}: {missing} of {len(records)} runs are missing; run the sweep again, it resumes"
            )
        return [record for record in records if record is not None]

    def remove_stray_temps(self) -> int:
        """Remove temporary files whose writer is dead; return how many."""
        return remove_stray_temps(self.directory, self.records)

    def _path(self, key: str) -> Path:
        return self.records / f"{_checked_key(key)}.json"

    def _set_aside(self, path: Path, error: CorruptResultError) -> None:
        make_folder(self.quarantine)
        target = self.quarantine / f"{path.stem}.{time.time_ns()}.json"
        try:
            os.replace(path, target)
        except FileNotFoundError:
            return  # another runner was faster
        warnings.warn(f"{path} is damaged ({error}): set aside as {target}, to be computed again", stacklevel=3)


def _checked_key(key: str) -> str:
    if not isinstance(key, str) or not re.fullmatch(r"[0-9a-f]{64}", key):
        raise ValueError(f"key must be 64 hexadecimal digits, got {key!r}")
    return key

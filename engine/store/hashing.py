"""Hashing large files in threads, with progress.

Reading, hashing and writing release the interpreter's lock, so that two files of 64 KiB and more take little longer
than one; for smaller ones threads cost more than they give. Only the calling thread reports.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from assay.engine.model import Digest, HashName
from assay.engine.store.digest import chunks, hasher
from assay.engine.store.files import ATTEMPTS, Reading, changed
from assay.engine.store.statcache import now, settled_at
from assay.engine.store.writer import CacheWriter

LARGE = 64 * 1024
"""Bytes: files from here on are worth a thread."""

_WORTH_WAITING_FOR = 8 << 20
_LONGEST_WAIT = 50_000_000


class Hashed(NamedTuple):
    """A file that was read: its digest, the stat data that belong to it, and `statcache.now` before the reading."""

    digest: Digest
    stat: os.stat_result
    started: int


def hash_files(
    paths: Sequence[str], algo: HashName, writer: CacheWriter | None, progress: Callable[[int], None]
) -> list[Hashed]:
    """Hashes files, and with a writer adds them to its cache; the results are in the order of the paths.

    Args:
        paths: Absolute.
        algo: The hash.
        writer: Where the content goes; None to name it only.
        progress: Called now and then with the bytes read so far.

    Raises:
        StoreError: A file cannot be read, or does not hold still; the first of them.
    """
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    meter = _Meter()
    pool = ThreadPoolExecutor(max(2, min(8, os.cpu_count() or 1)))
    try:
        jobs = [pool.submit(hash_file, path, algo, writer, meter.add) for path in paths]
        left = set(jobs)
        while left:
            done, left = wait(left, timeout=0.1, return_when=FIRST_EXCEPTION)
            progress(meter.bytes)
            for job in done:
                job.result()
        return [job.result() for job in jobs]
    finally:
        meter.stopped = True
        pool.shutdown(cancel_futures=True)


def hash_file(path: str, algo: HashName, writer: CacheWriter | None, progress: Callable[[int], None]) -> Hashed:
    """Hashes one file of any size in bounded memory, as `hash_files` does."""
    _let_settle(path)
    started = now()
    if writer is not None:
        digest, stat = writer.add_stable(path, progress)
        return Hashed(digest, stat, started)
    for _ in range(ATTEMPTS):
        with Reading(path) as file:
            state = hasher(algo)
            size = 0
            for chunk in chunks(file.stream):
                state.update(chunk)
                size += len(chunk)
                progress(len(chunk))
            if file.is_whole(size):
                return Hashed(Digest(algo, state.digest().hex()), file.stat, started)
    raise changed(path)


def _let_settle(path: str) -> None:
    """Waits out the tick in which a large file was written: else it could not be remembered and is read again."""
    with suppress(OSError):
        stat = os.stat(path)
        left = settled_at(stat) - now()
        if stat.st_size >= _WORTH_WAITING_FOR and 0 < left <= _LONGEST_WAIT:
            time.sleep(left / 1e9)


class _Meter:
    """Adds up what the threads have read; once stopped, it stops them."""

    def __init__(self) -> None:
        self.bytes = 0
        self.stopped = False

    def add(self, count: int) -> None:
        self.bytes += count
        if self.stopped:
            raise InterruptedError

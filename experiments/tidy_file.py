"""The tidy table's file: Parquet, written part by part, and read whole or for some metrics alone.

Which runs it is of, and how many of its rows are each one's, stands in the file's metadata: first come the rows of
weeks, run after run, then the runs' own numbers. There too stands a checksum of the whole file (of which Parquet itself
has none), so that damage is no other number.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import zlib
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from entangrid.data.errors import InputError
from entangrid.experiments import run_metrics, store

FOLDERS, ROWS = b"entangrid.runs", b"entangrid.rows"
_SEAL, _BLANK = b"entangrid.crc32", b"00000000"
_SEALED = re.compile(_SEAL + rb".{0,9}?crc32:([0-9a-f]{8})", re.DOTALL)  # between them Parquet's own length


class DamagedError(InputError):
    """A stored table is not what it says."""


class Built(NamedTuple):
    """A table: its rows, all or those of some metrics, and the content of its file."""

    frame: pd.DataFrame
    content: Any

    def write(self, path: Path) -> None:
        """Store it; raises InputError if it cannot be written."""
        store.write_atomically(path, lambda to: to.write_bytes(self.content))


class Sink:
    """Takes the table part by part; each is written beside the making of the next. ``metrics``: those of which rows are
    kept for the frame, None for all."""

    def __init__(self, schema: Any, metrics: Collection[str] | None):
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._metrics, self._kept = metrics, [schema.empty_table()]
        self._to = pa.BufferOutputStream()
        self._writer = pq.ParquetWriter(self._to, schema, write_statistics=False)
        self._beside = ThreadPoolExecutor(1)
        self._writing: list[Future[None]] = []

    def add(self, part: Any) -> None:
        """The next rows."""
        self._wait()
        self._writing.append(self._beside.submit(self._writer.write_table, part))
        self._kept.append(_only(part, self._metrics))

    def close(self, folders: Sequence[str], rows: Sequence[int]) -> Built:
        """The whole. ``folders``: of the runs; ``rows``: how many rows of weeks are each one's."""
        import pyarrow as pa

        self._wait()
        self._beside.shutdown()
        named = {FOLDERS: json.dumps(folders).encode(), ROWS: json.dumps(rows).encode(), _SEAL: b"crc32:" + _BLANK}
        self._writer.add_key_value_metadata(named)
        self._writer.close()
        return Built(pa.concat_tables(self._kept).to_pandas(), _sealed(self._to.getvalue()))

    def _wait(self) -> None:
        while self._writing:
            self._writing.pop().result()


def read(path: Path, metrics: Collection[str] | None = None) -> pd.DataFrame:
    """A stored table, all of it or at least the rows of some metrics; raises DamagedError if it is not what it says."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = _content(path)
    if metrics is not None:
        with contextlib.suppress(Exception):  # what is wrong with it is said below
            file = pq.ParquetFile(pa.BufferReader(content))
            parts = [file.schema_arrow.empty_table()]
            parts += [_only(file.read_row_group(i), metrics) for i in range(file.num_row_groups)]
            frame: pd.DataFrame = pa.concat_tables(parts).to_pandas()
            return frame
    try:
        return pd.read_parquet(io.BytesIO(content))
    except Exception as error:  # pyarrow raises its own family
        said = (str(error).strip().splitlines() or [repr(error)])[0]
        raise DamagedError(f"{path}: not readable as Parquet ({said}); {mend(path)}") from None


def mend(path: Path) -> str:
    """What to do about a damaged table."""
    return f"rebuild it with entangrid table {path.parent} --rebuild"


def _sealed(content: Any) -> bytearray:
    """The file with its checksum, which is that of the file with zeros in its place."""
    out = bytearray(content)
    at = [found.span(1) for found in _SEALED.finditer(out)][-1]
    out[slice(*at)] = b"%08x" % zlib.crc32(out)
    return out


def _content(path: Path) -> bytes:
    """A table's file, held to its checksum where it has one; raises DamagedError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read: {error.strerror}") from None
    if marks := [found.span(1) for found in _SEALED.finditer(content)]:
        low, high = marks[-1]
        view = memoryview(content)
        found = zlib.crc32(view[high:], zlib.crc32(_BLANK, zlib.crc32(view[:low])))
        if content[low:high] != b"%08x" % found:
            raise DamagedError(f"{path}: is not as it was written (checksum); {mend(path)}")
    elif any(key in content for key in (FOLDERS, ROWS, _SEAL, b"crc32:")):  # of an earlier version, or its mark is hit
        raise DamagedError(f"{path}: has no checksum that can be read; {mend(path)}")
    return content


def listed(path: Path) -> list[str]:
    """The names of the run folders that a stored table says it is of; none where it says nothing."""
    import pyarrow.parquet as pq

    with contextlib.suppress(Exception):
        return [str(name) for name in json.loads((pq.read_metadata(path).metadata or {})[FOLDERS])]
    return []


class Stored:
    """The metrics that a stored table has of runs. ``spans``: by run folder (first row, number of rows);
    ``written_ns``: when it was stored [ns since 1970]."""

    def __init__(self, path: Path):
        """Raises DamagedError where the table does not say which rows are whose."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            self.written_ns = path.stat().st_mtime_ns
            self._file = pq.ParquetFile(pa.BufferReader(_content(path)))
            meta = self._file.metadata
            names, counts = json.loads(meta.metadata[FOLDERS]), json.loads(meta.metadata[ROWS])
            at = np.cumsum([0, *counts])
            self.spans = {str(n): (int(a), int(k)) for n, a, k in zip(names, at[:-1], counts, strict=True)}
            self._ends = np.cumsum([meta.row_group(i).num_rows for i in range(meta.num_row_groups)])
            fits = not counts or (min(counts) >= 0 and at[-1] <= meta.num_rows)
        except Exception as error:  # of an earlier version, or not ours
            raise DamagedError(str(error)) from None
        if not fits:
            raise DamagedError("more rows than there are")
        self._at, self._group = -1, None

    def rows(self, first: int, n: int) -> list[Any]:
        """``n`` rows from a first one on, in pieces of :func:`run_metrics.schema`. Rows that follow each other are
        best asked for in turn. Raises DamagedError."""
        pieces = []
        while n > 0:
            i = int(np.searchsorted(self._ends, first, side="right"))
            start = int(self._ends[i - 1]) if i else 0
            piece = self._read(i).slice(first - start, n)
            pieces.append(piece)
            first, n = first + piece.num_rows, n - piece.num_rows
        return pieces or [run_metrics.schema().empty_table()]

    def _read(self, i: int) -> Any:
        if i != self._at:
            try:
                group = self._file.read_row_group(i, columns=list(run_metrics.COLUMNS))
                group = group.select(list(run_metrics.COLUMNS)).cast(run_metrics.schema())
                group.validate(full=True)
                self._group = group
            except Exception as error:
                raise DamagedError(str(error)) from None
            self._at = i
        return self._group


def _only(table: Any, metrics: Collection[str] | None) -> Any:
    """The rows of some metrics, None for all."""
    if metrics is None:
        return table
    import pyarrow as pa

    column = table.column("metric").unify_dictionaries().combine_chunks()
    wanted = np.array([name in metrics for name in column.dictionary.to_pylist()] + [False])
    return table.filter(pa.array(wanted[column.indices.fill_null(-1).to_numpy()]))

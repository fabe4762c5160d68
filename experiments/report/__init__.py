"""A study as one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

__all__ = ["write"]


def write(folder: str | Path, out: str | Path | None = None) -> Path:
    """Write the report of the study in ``folder`` into the file ``out`` (default: report.html in it); returns the file.

    Everything is derived from the folder; of a study that is not finished, from the runs that are. Raises InputError
    for a folder without a finished run, and for a file that cannot be written.
    """
    from entangrid.data.errors import InputError
    from entangrid.experiments import store
    from entangrid.experiments.evidence import Evidence
    from entangrid.experiments.report import page

    path = Path(folder) / "report.html" if out is None else Path(out)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected a file to write the report into")
    text = page.build(Evidence(Path(folder)))
    store.write_atomically(path, lambda to: to.write_text(text, encoding="utf-8"))
    return path

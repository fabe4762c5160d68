"""Studies: configuration in, one tidy table out.

>>> import entangrid
>>> table = entangrid.experiments.run("smoke", out="runs/smoke")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["run", "table"]


def run(
    study: str | Path,
    out: str | Path | None = None,
    *,
    engine: str = "local",
    jobs: int | None = None,
    options: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Make every unfinished run of a study, as ``entangrid run`` does, and return its table.

    ``study``: a packaged study or a YAML file; ``out``: its folder (default: runs/NAME). ``engine``: "local", "dask",
    "ray" or "slurm", ``options``: its own (:mod:`entangrid.experiments.engines`); ``jobs``: runs at a time. Workers are
    new processes: a script that calls this needs ``if __name__ == "__main__":``. Raises InputError for bad input,
    RunFailedError if runs failed.
    """
    from entangrid.experiments import config, runner

    settings = config.load(str(study))
    folder = Path(out) if out else Path("runs") / settings.name
    return runner.run_study(settings, folder, engine=engine, jobs=jobs, options=options)


def table(folder: str | Path) -> pd.DataFrame:
    """The tidy table of a study, while it runs of what is finished; raises InputError if there is none."""
    from entangrid.experiments import tidy

    return tidy.current(Path(folder))

"""What scripts/bench_studies.py checks before it times anything."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import study_cases

from entangrid.experiments import manifest, store, tidy


@pytest.fixture
def bench_studies(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "scripts"))
    sys.modules.pop("bench_studies", None)
    return importlib.import_module("bench_studies")


def test_runs_are_laid_down_and_the_tables_compared(
    bench_studies: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = study_cases.make(tmp_path / "small", seeds=1, homes=("a", "b"))
    out = study_cases.make(tmp_path / "large", seeds=4, homes=("a", "b"), table=False)
    runs = []
    for planned in manifest.read(out)[1]:
        folder = out / store.RUNS / planned.folder
        runs.append(
            SimpleNamespace(folder=folder.name, arm=planned.arm, seed=store.read_result(folder)["seed"], key="0")
        )
        shutil.rmtree(folder)
    bench_studies.lay_down(runs, of, out)
    assert bench_studies.check(runs, out) == len(runs) * 5 * 2 * 6
    frame = tidy.read(out)
    assert (
        frame[(frame["arm"] == "quantum") & (frame["metric"] == "cost")].groupby("seed")["value"].sum().nunique() == 4
    )
    bench_studies.fall_behind(runs, out)
    assert len(list((out / store.RUNS).iterdir())) == len(runs)
    assert len(tidy.read(out)) < len(frame) == len(tidy.current(out))
    theirs = bench_studies.by_pandas(runs, out)
    theirs.loc[7, "value"] += 1e-9
    monkeypatch.setattr(bench_studies, "by_pandas", lambda *_: theirs)
    with pytest.raises(AssertionError):
        bench_studies.check(runs, out)

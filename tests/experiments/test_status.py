"""``entangrid status``: counts of every state from the folder alone, also of a study of ten thousand runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_cases import entangrid

from entangrid.data.errors import InputError
from entangrid.experiments import heartbeat, status, store


def plant(out: Path, n: int, finished: int) -> list[str]:
    """A study's folder of n runs of two arms, the first of them finished; gives their names."""
    runs = [[f"{'ab'[i % 2]}-seed{i // 2}-{i:016x}", "ab"[i % 2], 1000] for i in range(n)]
    out.mkdir(parents=True, exist_ok=True)
    (out / "plan.json").write_text(json.dumps({"study": "planted", "runs": runs}))
    for name, _, _ in runs[:finished]:
        (out / store.RUNS / str(name)).mkdir(parents=True)
        (out / store.RUNS / str(name) / store.RESULT).write_text("{}")
    return [str(name) for name, _, _ in runs]


def test_counts_of_every_state(tmp_path: Path) -> None:
    names = plant(tmp_path, 10, 4)
    folders = [tmp_path / store.RUNS / name for name in names]
    store.mark_failed(folders[5], "Traceback\nValueError: no")
    (store.work_folder(folders[6]) / store.CHECKPOINTS / "000000000400").mkdir(parents=True)
    (tmp_path / store.RUNS / f".{names[8]}.77.tmp").mkdir()  # killed while it was written
    (tmp_path / store.RUNS / f".{names[8]}.77.tmp" / store.RESULT).write_text("{}")
    store.work_folder(folders[0]).mkdir()  # of a finished run: killed before it was tidied up
    with store.claimed(folders[7]) as work, heartbeat.Heartbeat(work, 1000) as heart:
        heart.update(steps=640)
        deadline = time.monotonic() + 60
        while (sign := heartbeat.read(work)) is None or sign.steps != 640:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        found = status.read(tmp_path)
    assert found.counts == {"finished": 4, "running": 1, "failed": 1, "waiting": 4}
    assert found.arms["a"] == {"finished": 2, "running": 0, "failed": 0, "waiting": 3}
    assert found.arms["b"] == {"finished": 2, "running": 1, "failed": 1, "waiting": 1}
    by_name = {run.run: run for run in found.under_way}
    assert set(by_name) == {names[5], names[6], names[7]}
    assert by_name[names[5]].problem == "Traceback\nValueError: no"
    assert (by_name[names[6]].state, by_name[names[6]].steps) == ("waiting", 400)
    assert by_name[names[6]].checkpoint_age_s is not None
    assert (by_name[names[7]].state, by_name[names[7]].steps, by_name[names[7]].doing) == ("running", 640, "training")
    after = status.read(tmp_path)  # the process that had it has let it go
    assert after.counts["running"] == 0


def test_the_command_says_it_in_words_and_as_json(tmp_path: Path) -> None:
    names = plant(tmp_path, 6, 2)
    store.mark_failed(tmp_path / store.RUNS / names[3], "Traceback\nValueError: no")
    said = entangrid("status", tmp_path)
    assert said.returncode == 0, said.stderr
    assert "planted: 2 of 6 runs finished" in said.stdout
    assert f"failed   {names[3]}: ValueError: no" in said.stdout
    shown = json.loads(entangrid("status", tmp_path, "--json").stdout)
    assert shown["counts"] == {"finished": 2, "running": 0, "failed": 1, "waiting": 3}
    assert shown["under_way"][0]["problem"].endswith("ValueError: no")


def test_ten_thousand_runs_are_counted_without_heavy_imports(tmp_path: Path) -> None:
    plant(tmp_path, 10_000, 3_000)
    code = (
        "import sys\n"
        f"sys.argv = ['entangrid', 'status', {str(tmp_path)!r}, '--json']\n"
        "from entangrid.experiments.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'torch', 'numpy', 'pandas', 'numba', 'scipy', 'gymnasium', 'pvlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"] == {"finished": 3000, "running": 0, "failed": 0, "waiting": 7000}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "expected the folder of a study"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ("[" * 100_000, "damaged"),
        ('{"study": "x", "runs": [["a", "b", 1e999]]}', "damaged"),
    ],
)
def test_a_folder_without_a_study_is_refused(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "plan.json").write_text(content)
    with pytest.raises(InputError, match=message):
        status.read(tmp_path)


@pytest.mark.parametrize(
    "arguments", [("table", "x" * 300), ("validate", "quickstart", "--set", f"scenario={'x' * 300}")]
)
def test_a_name_that_no_file_can_have_is_one_clear_line(arguments: tuple[str, ...]) -> None:
    done = entangrid(*arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert f"{'x' * 300}" in done.stderr
    assert "File name too long" in done.stderr

"""The table out of run folders: columns, what counts, what is damaged, what other programs read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import study_cases

from entangrid.data.errors import InputError
from entangrid.experiments import manifest, run_metrics, store, tidy, tidy_file
from entangrid.experiments.scores import Scores


def test_one_row_a_number_in_the_order_of_the_plan(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=2, homes=("a", "b"), clusters={"a": 4, "b": 4})
    frame = tidy.read(out)
    assert tuple(frame.columns) == tidy.COLUMNS
    assert list(frame["arm"].unique()) == list(study_cases.ARMS)
    one = frame[(frame["arm"] == "quantum") & (frame["seed"] == 1) & (frame["metric"] == "cost")]
    assert len(one) == 2 * len(study_cases.WEEKS)
    assert set(one["split"]) == {"test"}
    assert set(one["scenario"]) == {"made-up-home"}
    assert set(one["cluster"]) == {4}
    whole = frame[frame["metric"] == "circuit_executions"]
    assert whole["week"].isna().all()
    assert whole["home"].isna().all()
    assert whole.set_index(["arm", whole["seed"].fillna(-1)])["value"]["quantum", 1] == 123_456
    assert frame["seed"].dtype == "Int64"
    assert frame.loc[frame["arm"] == "rule", "seed"].isna().all()


def test_table_equals_the_plain_concatenation_of_the_run_folders(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=3, homes=("a", "b"), feeder=True)
    frame = tidy.read(out)
    parts = []
    for run in tidy.run_folders(out):
        part = run_metrics.frame(run.path)
        parts.append(part.assign(arm=run.arm, seed=-1 if run.seed is None else run.seed))
    expected = pd.concat(parts, ignore_index=True)
    weekly = frame[frame["week"].notna()].reset_index(drop=True)
    assert weekly["value"].tolist() == expected["value"].tolist()
    for name in ("arm", "week", "home", "metric", "unit"):
        assert weekly[name].astype(str).tolist() == expected[name].tolist()
    assert weekly["seed"].fillna(-1).tolist() == expected["seed"].tolist()


def test_swept_values_are_columns(tmp_path: Path) -> None:
    axes = [{"ppo.gamma": 0.1, "task.action_set": "a"}, {"ppo.gamma": 0.2, "task.action_set": "b"}]
    out = study_cases.make(tmp_path / "study", seeds=2, axes=axes)
    frame = tidy.read(out)
    assert tuple(frame.columns) == (*tidy.COLUMNS, "ppo.gamma", "task.action_set")
    assert set(frame.loc[frame["arm"] == "quantum", "ppo.gamma"]) == {0.1, 0.2}
    assert frame.loc[frame["arm"] == "rule", "ppo.gamma"].isna().all()
    scores = Scores(frame)
    assert "quantum [gamma=0.1, action_set=a]" in scores.variants
    assert scores.variants["quantum [gamma=0.2, action_set=b]"].seeds == [0, 1]
    gaps = scores.gaps()
    for arm in ("quantum", "wide"):
        low, high = gaps[f"{arm} [gamma=0.1, action_set=a]"], gaps[f"{arm} [gamma=0.2, action_set=b]"]
        assert low is not None
        assert high is not None
        assert high.mean > low.mean


def test_half_a_study_has_a_table_and_only_of_its_plan(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=2)
    lost = next((out / tidy.RUNS).glob("twin-seed1-*"))
    stale = lost.with_name("twin-seed1-ffffffffffffffff")
    lost.rename(stale)  # a finished run of another configuration
    frame = tidy.rebuild(out)
    assert set(frame.loc[frame["arm"] == "twin", "seed"]) == {0}
    with pytest.raises(InputError, match=rf"{lost.name}: run not finished"):
        tidy.rebuild(out, partial=False)
    shutil.rmtree(out / tidy.RUNS)
    with pytest.raises(InputError, match="no run is finished"):
        tidy.rebuild(out)
    assert tidy.read(out)["arm"].nunique() == len(study_cases.ARMS)  # what was stored before is still there


def test_a_stored_table_is_made_anew_when_more_runs_are_finished(tmp_path: Path) -> None:
    """A study that goes on behind a table that was asked for earlier."""
    out = study_cases.make(tmp_path / "study", seeds=3, table=False)
    late = next((out / tidy.RUNS).glob("twin-seed2-*"))
    late.rename(tmp_path / late.name)

    def seeds() -> set[int]:
        frame = tidy.current(out)
        pd.testing.assert_frame_equal(frame, tidy.read(out))
        return set(frame.loc[frame["arm"] == "twin", "seed"])

    assert seeds() == {0, 1}
    first = (out / tidy.TABLE).stat().st_ino
    assert seeds() == {0, 1}
    assert (out / tidy.TABLE).stat().st_ino == first  # nothing new: as it is stored
    (tmp_path / late.name).rename(late)
    assert seeds() == {0, 1, 2}
    shutil.rmtree(out / tidy.RUNS)  # a table that was passed on without its runs
    assert seeds() == {0, 1, 2}


@pytest.mark.parametrize("together", [1, 60, 10**6])
def test_a_stored_table_takes_up_new_runs_without_reading_the_old_ones(
    together: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the order in which runs finish, and however many rows are written at once, the table is the one that is
    built of all of them at once."""
    monkeypatch.setattr(tidy, "_PART", together)
    out = study_cases.make(tmp_path / "study", seeds=3, homes=("a", "b"), feeder=True)
    for number, path in enumerate(sorted((out / tidy.RUNS).iterdir())):  # words that not all runs have
        frame = run_metrics.frame(path)[::-1]
        extra = frame.tail(1).assign(metric=f"metric-{number}", week=f"week-{number}")
        run_metrics.write(pd.concat([extra, frame] if number % 3 else [frame, extra]), path)
    whole = tidy.rebuild(out)
    with monkeypatch.context() as at_once:
        at_once.setattr(tidy, "_PART", 10**6)
        pd.testing.assert_frame_equal(tidy.build(manifest.read(out)[1], out), whole)
    read: list[str] = []
    metrics = run_metrics.read
    monkeypatch.setattr(run_metrics, "read", lambda folder: read.append(folder.name) or metrics(folder))
    runs = sorted(path.name for path in (out / tidy.RUNS).iterdir())
    for hidden in (runs[1::2], runs[::2], runs[:1]):
        for name in hidden:
            (out / tidy.RUNS / name).rename(tmp_path / name)
        part = tidy.current(out)
        assert len(part) < len(whole)
        assert not read
        for name in hidden:
            (tmp_path / name).rename(out / tidy.RUNS / name)
        again = tidy.current(out)
        pd.testing.assert_frame_equal(again, whole)
        pd.testing.assert_frame_equal(tidy.read(out), whole)
        assert sorted(read) == sorted(hidden)
        read.clear()


def test_a_stored_table_is_not_believed_where_a_run_is_younger_or_its_rows_do_not_add_up(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    out = study_cases.make(tmp_path / "study", seeds=2)
    one, late = sorted((out / tidy.RUNS).iterdir())[:2]
    late.rename(tmp_path / late.name)
    tidy.current(out)
    frame = run_metrics.frame(one)
    frame["value"] += 1.0
    run_metrics.write(frame, one)  # made again since
    (tmp_path / late.name).rename(late)
    found = tidy.current(out)
    pd.testing.assert_frame_equal(found, tidy.rebuild(out))
    late.rename(tmp_path / late.name)
    tidy.current(out)
    table = pq.read_table(out / tidy.TABLE)
    named = {**pq.read_metadata(out / tidy.TABLE).metadata, tidy_file.ROWS: json.dumps([10**9] * 8).encode()}
    pq.write_table(table.replace_schema_metadata(named), out / tidy.TABLE)
    (tmp_path / late.name).rename(late)
    pd.testing.assert_frame_equal(tidy.current(out), found)
    late.rename(tmp_path / late.name)
    tidy.current(out)
    content = bytearray((out / tidy.TABLE).read_bytes())
    content[4:2000] = bytes(1996)  # damaged on the disk, but for what it says of itself
    (out / tidy.TABLE).write_bytes(content)
    with pytest.raises(tidy_file.DamagedError):
        tidy_file.Stored(out / tidy.TABLE).rows(0, 1)
    (tmp_path / late.name).rename(late)
    pd.testing.assert_frame_equal(tidy.current(out), found)


def test_folders_without_a_plan_are_read_by_name(tmp_path: Path) -> None:
    """As versions before ``plan.json`` left them, with a study's file that is not understood any more."""
    out = study_cases.make(tmp_path / "study", seeds=2)
    before = tidy.read(out)
    (out / "plan.json").unlink()
    for path in (out / tidy.RUNS).iterdir():
        result = json.loads((path / store.RESULT).read_text())
        for name in ("axes", "gradient_steps", "circuit_executions", "parameters_actor_circuit", "git_commit"):
            result.pop(name)
        (path / store.RESULT).write_text(json.dumps(result))
    again = tidy.rebuild(out)
    assert sorted(again["arm"].unique()) == sorted(before["arm"].unique())
    one, two = Scores(before).gaps(), Scores(again).gaps()
    for label, gap in one.items():
        other = two[label]
        assert gap is not None
        assert other is not None
        assert (other.mean, other.low, other.high) == (gap.mean, gap.low, gap.high)


def test_table_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=2)
    old = tidy.read(out).drop(columns=["scenario", "cluster"]).astype({"arm": str, "week": object})
    old.to_parquet(out / tidy.TABLE, index=False)
    scores = Scores(tidy.read(out))
    assert scores.homes == [("", "home-1")]
    assert scores.gaps()["quantum"] is not None
    assert len(tidy.run_folders(out)) == 9


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (store.RESULT, b"[1", "result.json: not valid JSON"),
        (store.RESULT, b"{}", "result.json: parameters_actor is missing or no number"),
        (store.RESULT, {"seed": 10**30}, "result.json: seed is 1000000"),
        (store.RESULT, {"seed": 2**62}, "result.json: seed is 46116860"),
        (store.RESULT, b"[" * 100_000, "result.json: not valid JSON"),
        (store.RESULT, {"gradient_steps": 10**400}, "result.json: gradient_steps is 1000000"),
        (store.RESULT, b'{"arm": "\\ud800"}', "result.json: not valid JSON"),
        (store.RESULT, {"parameters_actor": float("inf")}, "result.json: parameters_actor is inf; expected a finite"),
        (store.METRICS, b"ARROW1 not really", "metrics.arrow: not readable as an Arrow file"),
        (store.METRICS, None, "metrics.arrow: lacks one of the columns"),
    ],
)
def test_damaged_runs_are_named(
    file: str, content: bytes | dict[str, int] | None, message: str, tmp_path: Path
) -> None:
    out = study_cases.make(tmp_path / "study", seeds=1)
    run = next((out / tidy.RUNS).glob("rule-*"))
    if content is None:
        pd.DataFrame({"week": ["x"]}).to_feather(run / file)
    elif isinstance(content, dict):
        (run / file).write_text(json.dumps(json.loads((run / file).read_text()) | content))
    else:
        (run / file).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        tidy.rebuild(out)
    assert run.name in str(caught.value)


def test_a_word_that_is_none_is_named(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=1)
    run = next((out / tidy.RUNS).glob("rule-*"))
    table = run_metrics.read(run)
    home = pa.DictionaryArray.from_arrays(pa.array([1] * len(table), pa.int32()), pa.array(["home-1", None]))
    odd = table.set_column(1, table.schema.field("home"), home)
    with pa.ipc.new_file(str(run / store.METRICS), odd.schema) as file:
        file.write_table(odd)
    with pytest.raises(InputError, match=r"metrics.arrow: has a word that is none in one of the columns week, home"):
        tidy.rebuild(out)


def test_numbers_that_no_column_holds_are_no_traceback(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=1, clusters={"home-1": 0})
    run = next((out / tidy.RUNS).glob("rule-*"))
    result = json.loads((run / store.RESULT).read_text())
    result |= {"axes": {"much": 10**400, "least": -(10**30)}, "home_clusters": {"home-1": 10**30}}
    (run / store.RESULT).write_text(json.dumps(result))
    frame = tidy.rebuild(out)
    rule = frame[frame["arm"] == "rule"]
    assert set(rule["much"]) == {str(10**400)}
    assert set(rule["least"]) == {-1e30}
    assert rule["cluster"].isna().all()


def test_a_run_without_a_row_is_none_of_weeks(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=2)
    (late, last) = sorted((out / tidy.RUNS).glob("wide-*"))
    for path in (last, next((out / tidy.RUNS).glob("best-*"))):
        run_metrics.write(run_metrics.frame(path)[:0], path)
    late.rename(tmp_path / late.name)
    tidy.rebuild(out)
    (tmp_path / late.name).rename(late)
    pd.testing.assert_frame_equal(tidy.current(out), tidy.rebuild(out))


def test_damaged_tables_are_named(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=1)
    pd.DataFrame({"arm": ["x"]}).to_parquet(out / tidy.TABLE)
    with pytest.raises(InputError, match="lacks columns of a study's table; rebuild it"):
        tidy.read(out)
    for metrics in (None, {"cost"}):
        (out / tidy.TABLE).write_bytes(b"PAR1 not really")
        with pytest.raises(
            InputError, match=r"not readable as Parquet .*; rebuild it with entangrid table .* --rebuild"
        ):
            tidy.read(out, metrics)
        assert len(tidy.current(out, metrics)) > 0
    assert len(tidy.rebuild(out)) == len(tidy.read(out)) > 0
    (out / tidy.TABLE).unlink()
    with pytest.raises(InputError, match="missing; run the study first"):
        tidy.read(out)


@pytest.mark.parametrize("metrics", [None, {"cost"}])
def test_a_table_with_a_zeroed_stretch_gives_no_other_number(
    metrics: set[str] | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = study_cases.make(tmp_path / "study", seeds=2)
    path, wanted = out / tidy.TABLE, tidy.current(out, metrics)
    whole = path.read_bytes()
    assert path.read_bytes() == whole
    for at in range(4, len(whole) - 64, 997):
        path.write_bytes(whole[:at] + bytes(64) + whole[at + 64 :])
        if path.read_bytes() == whole:
            continue
        pd.testing.assert_frame_equal(tidy.current(out, metrics), wanted)
        assert path.read_bytes() == whole, f"not stored anew, damaged at {at}"
    assert "building it anew from its runs" in caplog.text
    path.write_bytes(whole[:100] + bytes(64) + whole[164:])
    (out / "plan.json").unlink()
    with pytest.raises(InputError, match=r"is not as it was written \(checksum\); rebuild it with entangrid table"):
        tidy.current(out, metrics)


@pytest.mark.parametrize("marks", [(b"crc32",), (b"runs",), (b"crc32", b"runs"), (b"crc32", b"runs", b"rows")])
def test_a_table_that_is_hit_twice_gives_no_other_number(marks: tuple[bytes, ...], tmp_path: Path) -> None:
    """Once in what tells of damage, once elsewhere."""
    out = study_cases.make(tmp_path / "study", seeds=2)
    path, wanted = out / tidy.TABLE, tidy.current(out)
    whole = bytearray(path.read_bytes())
    random = np.random.default_rng(0)
    for _ in range(25):
        hit = bytearray(whole)
        for mark in marks:
            hit[whole.rindex(b"entangrid." + mark) + int(random.integers(10 + len(mark)))] ^= 1 << random.integers(7)
        hit[int(random.integers(len(hit)))] ^= 1 << random.integers(8)
        path.write_bytes(hit)
        pd.testing.assert_frame_equal(tidy.current(out), wanted)
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("value", "text"),
        ("value", True),
        ("arm", None),
        ("arm", 1.5),
        ("metric", None),
        ("metric", [["cost"]]),
        ("week", 7),
        ("unit", None),
        ("seed", "one"),
        ("seed", 0.5),
        ("seed", 2**31),
        ("seed", -1),
        ("cluster", "x"),
        ("rate", [[1.0]]),
    ],
)
def test_a_strangers_table_of_other_kinds_is_named(column: str, values: object, tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=1)
    frame = tidy.read(out).astype({"arm": object, "metric": object})
    frame[column] = pd.Series(values * len(frame) if isinstance(values, list) else [values] * len(frame))
    frame.to_parquet(out / tidy.TABLE, index=False)
    whole = tidy.current(out)  # whose runs are there
    assert whole.equals(tidy.rebuild(out))
    (out / "plan.json").unlink()
    frame.to_parquet(out / tidy.TABLE, index=False)
    for metrics in (None, {"cost"}):
        with pytest.raises(InputError, match=f"table.parquet: column '{column}' is not of the kind that a study's is"):
            tidy.current(out, metrics)


def test_homes_of_several_scenarios_are_told_apart(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=2)
    one = tidy.read(out)
    two = one.astype({"scenario": str}).assign(scenario="another")
    both = pd.concat([one.astype({"scenario": str}), two], ignore_index=True)
    scores = Scores(both)
    assert scores.homes == [("made-up-home", "home-1"), ("another", "home-1")]
    np.testing.assert_array_equal(scores.clusters, [0, 1])
    assert scores.objective["quantum"].shape == (2, 5, 2)


def test_duckdb_reads_the_table(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    out = study_cases.make(tmp_path / "study", seeds=2)
    query = f"select count(*), sum(value) from '{out / tidy.TABLE}' where metric = 'cost' and arm = 'quantum'"
    ((rows, total),) = duckdb.sql(query).fetchall()
    frame = tidy.read(out)
    mine = frame[(frame["metric"] == "cost") & (frame["arm"] == "quantum")]["value"]
    assert rows == len(mine)
    assert total == pytest.approx(mine.sum())

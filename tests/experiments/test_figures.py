"""Figures by name: files that are what they claim, what is drawn in them, and the arithmetic of axes."""

from __future__ import annotations

import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import study_cases
from hypothesis import given
from hypothesis import strategies as st

from entangrid.data.errors import InputError
from entangrid.experiments import figures, kinds, matched, stored, tidy
from entangrid.experiments.evidence import Evidence
from entangrid.experiments.figures import chart, curves, day, fronts, pareto, style

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "full"
    return study_cases.make(folder, seeds=4, homes=("a", "b"), curves=True, feeder=True)


@pytest.mark.parametrize("name", [name for name in figures.NAMES if name not in ("overview", "matched")])
def test_every_figure_is_a_file_of_its_own(name: str, full: Path, tmp_path: Path) -> None:
    path = figures.make(name, full, tmp_path / f"{name}.svg")
    root = ET.parse(path).getroot()
    assert root.tag == f"{SVG}svg"
    assert root.get("aria-label")
    assert "prefers-color-scheme: dark" in path.read_text()
    assert len(root.findall(f".//{SVG}path")) + len(root.findall(f".//{SVG}circle")) >= 3
    width = float(str(root.get("width")))
    for text in root.findall(f".//{SVG}text"):
        assert -1.0 <= float(str(text.get("x"))) <= width


def test_overview_is_a_png_also_without_quantum_arm_or_optimum(full: Path, tmp_path: Path) -> None:
    assert figures.make("overview", full).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    arms = {"nothing": ("no-control", 0.0), "wide": ("ppo-mlp", 0.2)}
    bare = study_cases.make(tmp_path / "bare", arms=arms, seeds=3)
    assert figures.make("overview", bare).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


SWEPT = [{matched.WEIGHT: w} for w in (0.1, 0.3)]
MANY = study_cases.ARMS | {
    "best-known": ("mpc-persistence", 0.8),
    "entanglers-off": ("ppo-quantum/entanglers-off", 0.3),
    "an-arm-with-quite-a-long-name-$x$": ("ppo-mlp", 0.2),
    **{f"more-{k}": ("ppo-mlp", 0.02 * k) for k in range(30)},
}


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG file [pixels]."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "swept"
    study_cases.make(out, arms=MANY, seeds=2, homes=("a", "b"), weeks=2, axes=SWEPT)
    claim = {"source": "nengroo2025-like/energy_ddpg", "baseline": "rule"}
    study_cases.declare(out, claim=claim, cut=["much of it, " * 30])
    return out


@pytest.mark.parametrize("one_weight", [False, True])
def test_savings_at_matched_comfort_fit_the_page(
    one_weight: bool, swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib import pyplot as plt

    out = tmp_path
    table = pd.read_parquet(swept / tidy.TABLE)
    weight = table.pop(matched.WEIGHT) if one_weight else table[matched.WEIGHT]
    table[~one_weight | weight.isna() | (weight == 0.3)].to_parquet(out / tidy.TABLE, index=False)
    (out / stored.STUDY).write_bytes((swept / stored.STUDY).read_bytes())
    kept = []
    monkeypatch.setattr(plt, "close", kept.append)
    path = figures.make("overview", out)  # of a study with a claim
    assert path.name == "overview.png"
    assert size(path)[0] == 1800
    (figure,) = kept
    page = figure.bbox
    texts = [*figure.texts, *(t for axis in figure.axes for t in (*axis.texts, axis.xaxis.label, axis.yaxis.label))]
    renderer = figure.canvas.get_renderer()
    for text in texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= -1.0, text
        assert box.x1 <= page.x1 + 1.0, text
        assert box.y0 >= -1.0, text
    said = [text.get_text() for text in texts]
    assert "claimed, not reproduced: 63 %" in said
    found = Evidence(out).headroom
    assert found is not None
    assert f"perfect foresight: {100.0 * found.room:.0f} %" in said
    assert {label for label in found.arms if "$" not in label} <= set(said)
    assert any(text.startswith("an-arm-with") for text in said)
    for label in found.arms:
        if np.isnan(found.saving(label)):
            assert f"never that comfortable: {found.least_discomfort(label):.3g} K h" in said
    monkeypatch.undo()
    plt.close("all")


def test_savings_need_a_claim(full: Path) -> None:
    with pytest.raises(InputError, match="figure 'matched' is of studies with a claim"):
        figures.make("matched", full)


def test_words_are_wrapped_and_shortened_by_their_width() -> None:
    from entangrid.experiments.figures.page import Ruler

    ruler = Ruler()
    words = "a fairly long sentence about energy and comfort with onewordthatiswiderthanthewholepage in it"
    lines = ruler.wrap(words, 9.0, 1.2)
    assert all(ruler(line, 9.0) <= 1.2 for line in lines)
    assert "".join(lines).replace(" ", "") == words.replace(" ", "")
    short = ruler.fit("thermostat-occupancy-tuned", 9.0, 1.0)
    assert "…" in short
    assert ruler(short, 9.0) <= 1.0
    assert ruler.fit("optimum", 9.0, 1.0) == "optimum"


def test_the_main_families_are_drawn_and_no_more_than_eight(swept: Path) -> None:
    evidence = Evidence(swept)
    found, variants = evidence.headroom, {k: v[0] for k, v in matched.groups(evidence.scores).items()}
    assert found is not None
    kind, knows = ({k: f(v) for k, v in variants.items()} for f in (kinds.kind, kinds.knows))
    assert [kind[k] for k in ("rule", "best", "best-known", "quantum", "wide", "entanglers-off")] == [
        "rule", "planning", "planning", "quantum", "classical", "ablation"
    ]  # fmt: skip
    assert [knows[k] for k in ("best", "best-known", "wide", "entanglers-off")] == [
        "future", "model", "observation", "observation"
    ]  # fmt: skip
    chosen = fronts.chosen(found, kind, knows, [["quantum", "twin"]])
    assert {"best", "best-known", "rule", "quantum", "twin", "entanglers-off"} <= set(chosen)
    assert len(chosen) <= 8


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=2)
    with pytest.raises(InputError, match="figure 'pie' is unknown; expected one of: overview, matched, gap-closed"):
        figures.make("pie", out)
    for name in ("learning-curves", "feeder", "comparisons"):
        with pytest.raises(InputError, match=f"nothing to draw in figure '{name}'"):
            figures.make(name, out)


def test_command_lists_and_draws(full: Path) -> None:
    code = "from entangrid.experiments.cli import main; main()"

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, "figure", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert [line.split()[0] for line in run(str(full), "--list").splitlines()] == list(figures.NAMES)
    assert Path(run(str(full), "--name", "gap-closed").strip()) == full / "gap-closed.svg"


def test_gap_closed_is_drawn_where_it_is(full: Path) -> None:
    evidence = Evidence(full)
    (drawn,) = figures.draw("gap-closed", evidence).values()
    root = ET.fromstring(drawn.svg(alone=True))
    dots = [c for c in root.findall(f".//{SVG}circle") if str(c.get("class")).startswith("dot")]
    x = [float(str(c.get("cx"))) for c in dots]
    gaps = [gap.mean for gap in evidence.gaps.values() if gap]
    assert len(x) == len(gaps) == 6
    scale = np.polyfit(gaps, x, 1)
    np.testing.assert_allclose(np.polyval(scale, gaps), x, atol=0.2)  # one straight scale
    bars = [line for line in root.findall(f".//{SVG}line") if str(line.get("class")).startswith("bar")]
    for bar, gap in zip(bars, evidence.gaps.values(), strict=True):
        assert gap is not None
        assert float(str(bar.get("x1"))) == pytest.approx(np.polyval(scale, gap.low), abs=0.3)
        assert float(str(bar.get("x2"))) == pytest.approx(np.polyval(scale, gap.high), abs=0.3)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9))
def test_ticks_are_round_and_within(low: float, span: float, about: int) -> None:
    found = chart.ticks(low, low + span, about)
    assert len(found) <= about + 2
    step = np.diff(found)
    if len(found) > 1:
        assert np.allclose(step, step[0], rtol=1e-6)
        mantissa = step[0] / 10.0 ** math.floor(math.log10(step[0] * 1.0000001))
        assert min(abs(mantissa - m) for m in (1.0, 2.0, 2.5, 5.0, 10.0)) < 1e-4
    assert all(low - 1e-6 * span <= t <= low + span * (1 + 1e-6) for t in found)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
def test_axes_hold_all_they_show(values: list[float]) -> None:
    low, high = chart.around([*values, math.nan, math.inf], keep=(0.0,))
    assert low < high
    assert low <= min(*values, 0.0)
    assert high >= max(*values, 0.0)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (-0.25, "−0.25"), (12_000.0, "12k"), (2.5e6, "2.5M"), (500.0, "500")]
)
def test_short_labels(value: float, text: str) -> None:
    assert chart.short(value) == text


def test_nobody_on_the_front_is_beaten() -> None:
    energy = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 2.0, "e": 1.0}
    discomfort = {"a": 3.0, "b": 1.0, "c": 2.0, "d": 1.0, "e": 4.0}
    assert pareto.front(energy, discomfort) == ["a", "b", "d"]


def test_bands_hold_the_mean_and_narrow_with_seeds() -> None:
    rng = np.random.default_rng(0)
    few, many = (curves.band(rng.normal(0.0, 1.0, (n, 5))) for n in (4, 40))
    for found in (few, many):
        assert (found.low <= found.middle).all()
        assert (found.middle <= found.high).all()
    assert (many.high - many.low).max() < (few.high - few.low).min()
    assert np.isnan(curves.band(np.ones((1, 3))).low).all()


def test_the_day_is_a_whole_one_with_the_median_of_sun() -> None:
    time = pd.date_range("2016-01-04 06:00", periods=66, freq="h")  # three days, of which the first is not whole
    frame = pd.DataFrame({"time": time, "p_pv_kw": np.where(time.day == 5, 2.0, 9.0)})
    found = day.typical_day(frame)
    assert len(found) == 24
    assert found["time"].dt.day.nunique() == 1
    assert found["time"].dt.day.iloc[0] in (5, 6)


def test_arms_keep_colours_apart(tmp_path: Path) -> None:
    axes = [{"ppo.gamma": 0.01 * k} for k in range(5)]
    found = Evidence(study_cases.make(tmp_path / "study", seeds=3, axes=axes)).classes
    learners = [css for label, css in found.items() if "[" in label]
    assert len(set(learners)) == len(learners) == 15
    assert found["best"] == "c5"
    assert style.classes([]) == {}

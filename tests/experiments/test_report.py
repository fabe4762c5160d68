"""The report: what stands in it, that it is self-contained, harmless and readable; the last in a real browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import browser
import numpy as np
import pandas as pd
import pytest
import study_cases
import yaml

from entangrid.data.errors import InputError
from entangrid.experiments import evidence, report, stored, tidy
from entangrid.experiments.evidence import Evidence
from entangrid.experiments.report import page as pages
from entangrid.experiments.report import words

ARMS = study_cases.ARMS
HOSTILE = "<script>document.title='taken'</script>\"'><img src=x onerror=alert(1)>&amp;"


class Page(HTMLParser):
    """Elements with their attributes, and the text of each section."""

    VOID = ("meta", "link", "br", "line", "path", "circle", "rect")

    def __init__(self, path: Path):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.sections: dict[str, str] = {}
        self._section = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag in ("section", "header"):
            self._section = found.get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.sections[self._section] = self.sections.get(self._section, "") + data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [found for name, found in self.elements if name == tag]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "full"
    return study_cases.make(folder, seeds=6, homes=("a", "b"), curves=True, feeder=True)


@pytest.fixture(scope="module")
def page(full: Path) -> Path:
    return report.write(full)


def test_every_section_is_there_and_well_formed(page: Path) -> None:
    read = Page(page)
    assert read.open == []
    for name in (
        *("header", "verdict", "table", "gap", "comparisons", "learning", "pareto", "profiles", "day", "feeder"),
        *("costs", "made"),
    ):
        assert read.sections.get(name, "").strip(), f"section {name} is empty"
    assert "Does it help?" in read.sections["header"]
    assert "quantum does better than wide" in read.sections["header"]
    for section in ("table", "gap", "costs"):
        for arm in ARMS:
            assert arm in read.sections[section], f"{arm} is not in section {section}"
    assert "The smallest effect this could detect" in read.sections["verdict"]
    assert "123,456" in read.sections["costs"]
    assert "72 in circuits" in read.sections["costs"]
    assert "numpy 2.4.6" in read.sections["made"]
    assert "0123456789ab" in read.sections["made"]
    assert "margin: 0.05" in read.sections["made"]
    assert "Sample complexity" in read.sections["learning"]


def test_numbers_of_the_page_are_those_of_the_table(full: Path, page: Path) -> None:
    from entangrid.experiments.wording import interval, number

    text = Page(page).sections
    for arm, row in Evidence(full).summary.iterrows():
        assert f"{arm}{number(row['gap_closed'])}{interval(row['gap_low'], row['gap_high'])}" in text["table"]
    for c in Evidence(full).comparisons:
        assert f"{number(c.difference, sign=True)}{interval(c.low, c.high, sign=True)}" in text["comparisons"]


def test_every_figure_is_told_in_words_and_has_its_numbers(page: Path) -> None:
    read = Page(page)
    charts = read.of("svg")
    assert len(charts) > 15
    for chart in charts:
        assert chart["role"] == "img"
        assert len(chart["aria-label"] or "") > 40
    for table in (found for found in read.of("div") if found.get("class") == "scroll"):
        assert table["aria-label"]
        assert table["tabindex"] == "0"  # it scrolls by keyboard
    assert sum(name == "table" for name, _ in read.elements) >= 6
    headings = [int(name[1]) for name, _ in read.elements if re.fullmatch("h[1-6]", name)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert (np.diff(headings) <= 1).all()
    assert read.of("html")[0]["lang"] == "en"


def test_nothing_is_loaded_from_anywhere(page: Path) -> None:
    read = Page(page)
    assert not {name for name, _ in read.elements} & {"script", "iframe", "object", "embed", "img", "base", "form"}
    for name, found in read.elements:
        for attribute, value in found.items():
            if attribute in ("src", "href", "xlink:href", "action", "data", "poster"):
                assert (value or "").startswith(("#", "data:")), f"<{name} {attribute}={value}>"
            assert not attribute.startswith("on"), f"<{name} {attribute}>"
    text = page.read_text(encoding="utf-8")
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text
    assert "@import" not in text
    policy = next(found for found in read.of("meta") if found.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in str(policy["content"])


def test_links_lead_to_sections(page: Path) -> None:
    read = Page(page)
    names = {found["id"] for _, found in read.elements if found.get("id")}
    links = [str(found["href"]) for found in read.of("a")]
    assert links
    assert {link[1:] for link in links} <= names


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stranger's folder whose every word is an attack."""
    arms = {f"{HOSTILE}{name}".replace("/", "\u2215"): arm for name, arm in ARMS.items()}
    folder = study_cases.make(tmp_path_factory.mktemp("hostile") / "study", arms=arms, seeds=3, question=HOSTILE)
    study = yaml.safe_load((folder / stored.STUDY).read_text())
    (folder / stored.STUDY).write_text(yaml.safe_dump({**study, "name": HOSTILE}))
    frame = tidy.read(folder).astype({"home": object, "scenario": object, "unit": object})
    frame["home"] = frame["home"].where(frame["home"].isna(), HOSTILE)
    frame["scenario"], frame["unit"] = HOSTILE, HOSTILE
    frame.to_parquet(folder / tidy.TABLE, index=False)
    (folder / "plan.json").unlink()  # with which the table would be made anew
    for path in (folder / tidy.RUNS).iterdir():
        result = path / "result.json"
        result.write_text(result.read_text().replace("a processor", HOSTILE.replace('"', '\\"')))
    return report.write(folder)


def test_hostile_words_stay_words(hostile: Path) -> None:
    read = Page(hostile)
    assert not {name for name, _ in read.elements} & {"script", "img"}
    assert not any(attribute.startswith("on") for _, found in read.elements for attribute in found)
    assert HOSTILE in read.sections["header"]
    assert HOSTILE in read.sections["made"]


def test_little_evidence_is_called_little(tmp_path: Path) -> None:
    one = report.write(study_cases.make(tmp_path / "one", seeds=1, weeks=1), tmp_path / "one.html")
    text = Page(one).sections
    assert "Nothing is compared here" in text["header"]
    assert "this study has one seed" in text["header"]
    assert "not compared" in text["verdict"]
    assert "no learning curves" in text["learning"]
    assert "feeder" not in text
    rules = {name: arm for name, arm in ARMS.items() if not arm[0].startswith("ppo")}
    bare = report.write(study_cases.make(tmp_path / "bare", arms=rules))
    assert "No arm of this study learns" in Page(bare).sections["header"]
    assert "comparisons" not in Page(bare).sections


def test_a_study_without_an_optimum_has_a_report(tmp_path: Path) -> None:
    arms = {name: arm for name, arm in ARMS.items() if name != "best"}
    text = Page(report.write(study_cases.make(tmp_path / "study", arms=arms, seeds=4, curves=True))).sections
    assert "Compared is the objective, in EUR a week" in text["verdict"]
    assert "to the left of 0 the first arm is better" in text["comparisons"]
    assert "objective on validation weeks" in text["learning"]
    assert "gap" not in text


def test_a_sweep_has_a_report(tmp_path: Path) -> None:
    axes = [{"ppo.gamma": 0.01 * k} for k in range(5)]
    read = Page(report.write(study_cases.make(tmp_path / "study", seeds=3, axes=axes, curves=True)))
    assert "arm [gamma]" in read.sections["table"]
    assert "quantum [0.04]" in read.sections["table"]
    assert "the first 12 of 18 arms" in read.sections["day"]


def test_a_page_has_room_for_so_many_comparisons_and_says_so(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Evidence(full)
    assert len(whole.comparisons) > 2
    assert words.cut_short(whole) == ""
    monkeypatch.setattr(evidence, "MOST_COMPARISONS", 2)
    monkeypatch.setattr(words, "_NAMED", 0)
    text = pages.build(Evidence(full))
    n = len(whole.comparisons)
    assert f"Shown are the first 2 of {n} comparisons" in text
    assert f"Of {n} comparisons, the first arm against the second: " in text
    assert text.count("The smallest effect this could detect") == 2
    assert f"correction over {n if n > 6 else ['', '', 'two', 'three', 'four', 'five', 'six'][n]} comparisons" in text


def test_lead_sentence_sums_up_the_verdicts(full: Path) -> None:
    evidence = Evidence(full)
    found = evidence.comparisons
    evidence.comparisons = [
        found[0]._replace(verdict="equivalent"),
        found[1]._replace(verdict="better"),
        found[2]._replace(verdict="undecided"),
    ]
    sentence = re.sub("<[^>]+>", "", words.lead(evidence).html)  # type: ignore[union-attr]
    assert sentence.startswith("quantum does better than wide, is equivalent to twin, and is undecided against rule. ")


def test_report_of_half_a_study_is_of_what_is_there(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=3, table=False)
    import shutil

    shutil.rmtree(next((out / tidy.RUNS).glob("wide-seed2-*")))
    assert "quantum" in Page(report.write(out)).sections["table"]


def test_bad_folders_and_files_are_one_clear_line(full: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"study\.yaml: missing"):
        report.write(tmp_path)
    with pytest.raises(InputError, match="is a folder; expected a file"):
        report.write(full, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        report.write(full, tmp_path / "file" / "report.html")
    (tmp_path / "study.yaml").write_text("name: [")
    with pytest.raises(InputError, match="cannot be read as YAML"):
        report.write(tmp_path)
    (tmp_path / "study.yaml").write_text("name: x\nverdict: {margin: wide}")
    with pytest.raises(InputError, match=r"verdict.margin is 'wide'; expected a number from 0 to 10"):
        report.write(tmp_path)


def test_command_writes_the_page(full: Path, tmp_path: Path) -> None:
    code = "from entangrid.experiments.cli import main; main()"
    arguments = ["report", str(full), "--out", str(tmp_path / "page.html")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("margin", [0.05, 0.01])
def test_a_margin_that_was_changed_after_the_first_run_is_not_called_fixed(margin: float, tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", seeds=3)
    for k, path in enumerate(sorted((out / tidy.RUNS).iterdir())):
        then = margin if k == 0 else 0.05
        content = {"study": {"name": "made-up", "verdict": {"margin": then, "confidence": 0.95}}}
        (path / "config.yaml").write_text(yaml.safe_dump(content))
        os.utime(path / "result.json", (1_000_000 + k, 1_000_000 + k))
    said = words.how_judged(Evidence(out))
    assert ("a margin fixed before the run" in said) == (margin == 0.05)
    assert ("when the first run was made, the margin was ±0.01" in said) == (margin != 0.05)


def test_the_same_folder_gives_the_same_page(full: Path, tmp_path: Path) -> None:
    one, two = report.write(full, tmp_path / "1.html"), report.write(full, tmp_path / "2.html")
    assert one.read_bytes() == two.read_bytes()


@pytest.fixture(scope="module")
def chromium() -> Iterator[browser.Browser]:
    if browser.executable() is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with browser.Browser(600.0) as one:
        yield one


#: words that stand beyond their figure
BEYOND = "t => t.getBoundingClientRect().right > t.ownerSVGElement.getBoundingClientRect().right + 1"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_browser_shows_it_in_light_and_dark_on_phone_and_desk(
    chromium: browser.Browser, page: Path, width: int, dark: bool
) -> None:
    chromium.open(page, width, dark=dark)
    assert chromium.messages == []
    assert chromium.requests == [page.resolve().as_uri()]
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width  # the page does not scroll sideways
    colours = chromium.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    paper, ink = (luminance(colour) for colour in colours)
    assert (paper < 0.05) if dark else (paper > 0.9)
    assert contrast(paper, ink) > 12.0
    shown = "[...document.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().width > 0)"
    wide = chromium.evaluate(f"Math.max(...{shown}.map(s => s.getBoundingClientRect().right))")
    assert wide <= width + 0.5
    smallest = chromium.evaluate(
        f"Math.min(...{shown}.flatMap(s => [...s.querySelectorAll('text')].map("
        "t => parseFloat(getComputedStyle(t).fontSize) * s.getBoundingClientRect().width / s.viewBox.baseVal.width)))"
    )
    assert smallest >= 10.5  # px on the screen: figures are drawn anew for phones, not shrunk
    left = chromium.evaluate(
        f"Math.min(...{shown}.flatMap(s => [...s.querySelectorAll('text')].map(t => t.getBoundingClientRect().left)))"
    )
    assert left >= 0.0
    assert chromium.evaluate(f"{shown}.flatMap(s => [...s.querySelectorAll('text')].filter({BEYOND}))"
                             ".map(t => t.textContent)") == []  # fmt: skip
    for name in ("--muted", *(f"--c{k}" for k in range(10))):
        value = chromium.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('{name}').trim()")
        needed = 4.5 if name == "--muted" else 3.0  # WCAG 2.2: text, and marks of figures
        assert contrast(paper, luminance(value)) >= needed, f"{name} {value}"


def test_browser_runs_nothing_of_a_hostile_study(chromium: browser.Browser, hostile: Path) -> None:
    chromium.open(hostile, 390)
    assert chromium.evaluate("document.title") != "taken"
    assert chromium.messages == []
    assert chromium.requests == [hostile.resolve().as_uri()]
    assert chromium.evaluate("document.documentElement.scrollWidth") <= 390


def luminance(colour: str) -> float:
    """Relative luminance of "rgb(…)" or "#rrggbb" (WCAG 2.2)."""
    if colour.startswith("#"):
        parts = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    else:
        parts = [int(part) for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, two: float) -> float:
    """Contrast of two luminances (WCAG 2.2)."""
    return (max(one, two) + 0.05) / (min(one, two) + 0.05)


def test_learning_curves_are_gap_closed_on_the_validation_weeks(full: Path) -> None:
    curves = Evidence(full).curves
    assert curves is not None
    assert curves.name == "gap closed on validation weeks"
    assert curves.values["quantum"].shape == (6, 11)
    stored_curve = pd.read_parquet(next((full / tidy.RUNS).glob("quantum-seed0-*")) / "curve.parquet")
    last = stored_curve[stored_curve["steps"] == 1000]["value"].mean()
    assert curves.values["quantum"][0, -1] == pytest.approx((40.0 - last) / 20.0)

"""Every code block and every command of the README and the docs runs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[object]:
    found = []
    for page in PAGES:
        for number, match in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8"))):
            if match[1] == language:
                found.append(pytest.param(match[2], id=f"{page.relative_to(ROOT)}:{number}"))
    return found


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr


def commands() -> list[object]:
    lines = [(block, line) for block in blocks("bash") for line in block.values[0].splitlines()]  # type: ignore[attr-defined]
    stripped = [line.split("#")[0].strip() for _, line in lines]
    return sorted({line for line in stripped if line})


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the smallest study, run once."""
    folder = tmp_path_factory.mktemp("smoke") / "out"
    code = "from entangrid.experiments.cli import main; main()"
    subprocess.run([sys.executable, "-c", code, "run", "smoke", "--out", str(folder)], capture_output=True, check=True)
    return folder


@pytest.mark.parametrize("command", commands())
def test_shell_commands_run(command: str, tmp_path: Path, smoke: Path) -> None:
    """The two scripts are asked for their help only (they run this test); a study is replaced by the smallest."""
    words = shlex.split(command)
    if words[0] == "bash":
        done = subprocess.run([*words[:2], "--help"], capture_output=True, text=True, cwd=ROOT, check=False)
        options = [word for word in words[2:] if word.startswith("--")]
        assert all(option in done.stdout for option in options)
    else:
        name = words[0].rsplit("/", 1)[-1]
        assert name == "entangrid", f"{command}: unknown kind of command"
        code = "from entangrid.experiments.cli import main; main()"
        smallest = ["smoke" if word == "quickstart" else word for word in words[1:]]
        if smallest[0] in ("table", "figure", "report", "compare", "status"):
            shutil.copytree(smoke, tmp_path / smallest[1].partition(":")[0])
        done = subprocess.run(
            [sys.executable, "-c", code, *smallest], capture_output=True, text=True, cwd=tmp_path, check=False
        )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"

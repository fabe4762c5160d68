"""The package is what its metadata says: packages, data with licences, versions, one direction of imports."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import entangrid

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS = ["data", "envs", "agents", "experiments"]


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def test_every_package_on_disk_is_listed() -> None:
    on_disk = {"entangrid"}
    for layer in LAYERS:
        for init in (ROOT / layer).rglob("__init__.py"):
            on_disk.add(".".join(("entangrid", *init.parent.relative_to(ROOT).parts)))
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == on_disk


def test_imports_run_one_way() -> None:
    for position, layer in enumerate(LAYERS):
        forbidden = LAYERS[position + 1 :]
        for path in sources(layer):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                for name in names:
                    parts = name.split(".")
                    assert not (parts[0] == "entangrid" and len(parts) > 1 and parts[1] in forbidden), f"{path}: {name}"


def test_torchquantum_is_imported_in_one_place() -> None:
    for layer in LAYERS:
        for path in sources(layer):
            if path.name == "torchquantum.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                assert not any(module.split(".")[0] == "torchquantum" for module in modules), path


def test_every_bundled_folder_has_its_own_licence_and_source() -> None:
    folders = [path for path in (ROOT / "data" / "bundled").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert {folder.name for folder in folders} == {"simbench_lv", "tmy3", "hplib"}
    for folder in folders:
        assert (folder / "LICENSE").stat().st_size > 200
        assert re.search("licen[cs]e", (folder / "SOURCE.md").read_text(encoding="utf-8"), re.IGNORECASE)
    expression = PROJECT["project"]["license"]
    for part in ("Apache-2.0", "ODbL-1.0", "CC-BY-4.0", "MIT"):
        assert part in expression


#: torch and TorchQuantum have files of their own; the others are large, and their tests skip where they are missing
ELSEWHERE = ("torch", "torchquantum-ng", "mlflow-skinny", "wandb", "qulacs")


def test_versions_agree() -> None:
    version = PROJECT["project"]["version"]
    assert entangrid.__version__ == version
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_every_dependency_is_justified_and_pinned() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    pins = (ROOT / "requirements" / "lock.txt").read_text(encoding="utf-8").lower().replace("_", "-")
    groups = [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
    for requirement in [entry for group in groups for entry in group]:
        line = next(line for line in text.splitlines() if f'"{requirement}"' in line)
        assert "#" in line, f"{requirement} has no reason beside it"
        name = re.split(r"[<>=\[]", requirement)[0].lower().replace("_", "-")
        if name not in ELSEWHERE:
            assert re.search(rf"^{re.escape(name)}==", pins, re.MULTILINE), f"{name} is not pinned"


@pytest.mark.parametrize("script", sorted((ROOT / "scripts").glob("*.sh")), ids=lambda path: path.name)
def test_scripts_explain_themselves_and_refuse_what_they_do_not_know(script: Path) -> None:
    shown = subprocess.run(["bash", script, "--help"], capture_output=True, text=True, check=True)
    assert "--venv" in shown.stdout
    assert "--torch-index" in shown.stdout
    refused = subprocess.run(["bash", script, "--nonsense"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "unknown option --nonsense" in refused.stderr

"""What made a result: versions, the source's commit, the processor."""

from __future__ import annotations

import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_VERSIONS = ("entangrid", "numpy", "numba", "scipy", "pandas", "pvlib", "torch", "stable-baselines3", "torchquantum-ng")


def versions() -> dict[str, str]:
    """Versions of what decides a number; packages that are not installed are left out."""
    found = {}
    for name in _VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@lru_cache
def git_commit() -> str | None:
    """The commit of the source, with "+" behind it if files were changed since; None outside a git checkout."""
    import entangrid.experiments

    root = Path(next(iter(entangrid.experiments.__path__))).resolve().parent
    if not (root / ".git").exists():
        return None
    commands = (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
    try:
        head, changes = (
            subprocess.run(["git", "-C", str(root), *c], capture_output=True, text=True, timeout=20, check=True).stdout
            for c in commands
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head.strip() + ("+" if changes.strip() else "")


@lru_cache
def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.processor() or platform.machine()

"""From a name or a file to a checked study: what it extends, what the command line sets, what is wrong with it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from entangrid.data.errors import InputError
from entangrid.experiments.config import messages, text
from entangrid.experiments.config.fields import did_you_mean, set_path
from entangrid.experiments.config.study import StudyConfig

_PACKAGED = "entangrid.experiments.conf"
_DEEPEST = 8  # files that extend one another
_INSTEAD = {"scenario": "scenarios", "scenarios": "scenario"}


class StudyError(InputError):
    """What is wrong with a study only shows once its scenarios are loaded and its tasks built; names no file yet."""


@contextmanager
def named(name_or_path: str) -> Iterator[None]:
    """Within it a StudyError becomes an InputError that names the study's file, as every other error does."""
    try:
        yield
    except StudyError as error:
        where = f"{name_or_path} (packaged)" if name_or_path in packaged() else name_or_path
        raise InputError("\n".join(f"{where}: {line}" for line in str(error).splitlines())) from None


def packaged() -> list[str]:
    """Names of the studies that come with the package."""
    return sorted(entry.name[:-5] for entry in files(_PACKAGED).iterdir() if entry.name.endswith(".yaml"))


def load(name_or_path: str, overrides: Sequence[str] = ()) -> StudyConfig:
    """Read a packaged study by name, or a YAML file; ``overrides`` are ``a.b=value`` and come last.

    Raises InputError with one line for each thing that is wrong, naming file, field, value and expectation.
    """
    content, where = _open(name_or_path, None)
    return check(content, where, overrides, None if where.endswith("(packaged)") else Path(name_or_path))


def parse(content: str, where: str, overrides: Sequence[str] = ()) -> StudyConfig:
    """Check the text of a YAML file; ``where`` names it in messages."""
    return check(text.parse(content, where), where, overrides)


def _open(name_or_path: str, beside: Path | None) -> tuple[dict[str, Any], str]:
    """(the fields, how messages call them); a relative path starts at ``beside``."""
    path = Path(name_or_path)
    try:
        there = path.exists()
    except (OSError, ValueError):  # too long a name, a null character
        there = False
    known = packaged()
    if name_or_path in known and path.suffix not in (".yaml", ".yml"):
        where = f"{name_or_path} (packaged)"
        return text.parse(files(_PACKAGED).joinpath(f"{name_or_path}.yaml").read_text(encoding="utf-8"), where), where
    if path.suffix in (".yaml", ".yml") or there or (beside is not None and (beside / path).exists()):
        file = path if beside is None else beside / path
        where = str(file)
        return text.parse(text.read(file, where), where), where
    shown = name_or_path if len(name_or_path) <= 60 else name_or_path[:57] + "..."
    raise InputError(
        f"study {shown!r} is unknown; expected a YAML file or one of: {', '.join(known)}"
        + did_you_mean(name_or_path, known)
    )


def check(content: dict[str, Any], where: str, overrides: Sequence[str] = (), path: Path | None = None) -> StudyConfig:
    """Check plain fields, such as those of ``StudyConfig.model_dump()``; ``path``: their file, for what it extends."""
    origins: list[tuple[str, Any]] = []
    try:
        content = _extended(content, where, path, (), origins)
        if overrides:
            content = copy.deepcopy(content)
        for override in overrides:
            parts = _apply(content, override)
            origins.insert(0, (f"{where} with --set {_short(override)}", _only(content, parts)))
        _remove_arms(content)
        return StudyConfig.model_validate(content)
    except ValidationError as error:
        files = [place for place, _ in origins if " with --set " not in place and place != where]
        of_all = f"{where} (extends {', '.join(files)})" if files else where
        of_all += f" with --set {', '.join(map(_short, overrides))}" if 0 < len(overrides) <= 3 else ""
        raise InputError(messages.lines(error, of_all, origins)) from None
    except RecursionError:
        raise InputError(f"{where}: nested too deeply") from None


def _only(content: dict[str, Any], parts: Sequence[str]) -> Any:
    """What stands along a path, and nothing beside it."""
    value: Any = content
    keys: list[Any] = []
    for part in parts:
        keys.append(int(part) if isinstance(value, list) else part)
        value = value[keys[-1]]
    for key in reversed(keys):
        value = {key: value}
    return copy.deepcopy(value)


def _short(override: str) -> str:
    override = override if override.isprintable() else repr(override)
    return override if len(override) <= 80 else override[:77] + "..."


def _extended(
    content: dict[str, Any], where: str, path: Path | None, seen: tuple[str, ...], origins: list[tuple[str, Any]]
) -> dict[str, Any]:
    """The content laid upon what it extends; ``origins`` is given every file, the outermost first."""
    origins.append((where, content))
    if "extends" not in content:
        return content
    content = dict(content)
    name = content.pop("extends")
    if not isinstance(name, str) or not name:
        raise InputError(f"{where}: extends: expected the name of a packaged study or a YAML file (got {name!r:.60})")
    beside = None if path is None else path.parent
    try:
        base, base_where = _open(name, beside)
    except InputError as error:
        raise InputError(f"{where}: extends: {error}") from None
    base_path = None if base_where.endswith("(packaged)") else (beside or Path()) / name
    identity = base_where if base_path is None else str(base_path.resolve())
    own = where if path is None else str(path.resolve())
    chain = (*seen, own)
    if identity in chain:
        raise InputError(f"{where}: extends: {name!r} extends this file in turn; expected an end")
    if len(chain) > _DEEPEST:
        raise InputError(f"{where}: extends: more than {_DEEPEST} files extend one another")
    return merge(_extended(base, base_where, base_path, chain, origins), content)


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``over`` laid upon ``base``: mappings field by field, everything else replaced.

    An arm that names another controller, a circuit of the other kind and a scenario of another kind replace as a whole.
    """
    out = dict(base)
    for one, other in _INSTEAD.items():
        if one in over:
            out.pop(other, None)
    for key, value in over.items():
        old = _spelt_out(out.get(key)) if key == "task" else out.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and not _replaces(old, value):
            out[key] = merge(old, value)
        else:
            out[key] = copy.deepcopy(value)
    return out


def _spelt_out(task: Any) -> Any:
    """A task that is only named as the mapping that it stands for."""
    return {"name": task} if isinstance(task, str) else task


def _replaces(old: dict[str, Any], new: dict[str, Any]) -> bool:
    if "controller" in new and "controller" in old:
        return bool(new["controller"] != old["controller"])
    return ("n_modes" in new and "n_modes" not in old) or ("n_qubits" in new and "n_modes" in old)


def _remove_arms(content: dict[str, Any]) -> None:
    arms = content.get("arms")
    if isinstance(arms, dict):
        content["arms"] = {name: arm for name, arm in arms.items() if arm is not None}


def _apply(content: dict[str, Any], override: str) -> list[str]:
    """Set the field that an override names; returns its path."""
    path, equals, value = override.partition("=")
    where = f"--set {_short(override)}"
    parts = path.strip().split(".")
    if not equals or not all(parts) or not path.isprintable():
        raise InputError(f"{where}: expected a field and its value, such as training.steps=1000")
    arms = content.get("arms")
    if parts[0] == "arms" and isinstance(arms, dict):  # an arm's name may have dots of its own
        for n in range(len(parts), 1, -1):
            if ".".join(parts[1:n]) in arms:
                parts = ["arms", ".".join(parts[1:n]), *parts[n:]]
                break
    if parts[0] == "task" and len(parts) > 1:
        content["task"] = _spelt_out(content.get("task"))
    try:
        set_path(content, parts, text.scalar(value, where))
        if parts[0] in _INSTEAD and content[parts[0]] is not None:
            content.pop(_INSTEAD[parts[0]], None)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None
    return parts

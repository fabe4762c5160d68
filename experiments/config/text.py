"""The text of a study's file as plain data; what is no study, or too much of one, is refused before it is built."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from entangrid.data.errors import InputError

MOST_BYTES = 1_000_000
MOST_NODES = 50_000
DEEPEST = 40


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which would silently let the last of two equal fields win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """See PyYAML; raises ConstructorError for a field that stands twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, f"field {key.value!r} stands twice", key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


# dates stay text, and 190:20:30 is no number to the base of sixty, as in YAML 1.2
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, re.compile(f"(?!.*:){pattern.pattern}", re.X) if tag.endswith((":int", ":float")) else pattern)
        for tag, pattern in resolvers
        if tag != "tag:yaml.org,2002:timestamp"
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# 3e-4 and -.5 are numbers, as in YAML 1.2, not text, as in YAML 1.1
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:[0-9]+\.?|[0-9]*\.[0-9]+)[eE][-+]?[0-9]+|\.[0-9]+)$"),
    list("-+.0123456789"),
)


def read(path: Path, where: str) -> str:
    """The text of a file; raises InputError for what cannot be read, is too large or no UTF-8."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a null character in the path
        raise InputError(f"{where!r}: cannot be read: {error}") from None
    if max(size, len(content)) > MOST_BYTES:
        raise InputError(f"{where}: {max(size, len(content))} bytes; expected at most {MOST_BYTES}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{where}: cannot be read: not UTF-8 text") from None


def parse(text: str, where: str) -> dict[str, Any]:
    """The mapping of fields in a YAML text; raises InputError in one line."""
    content = scalar(text, where)
    if not isinstance(content, dict):
        raise InputError(f"{where}: holds {type(content).__name__}; expected a mapping of fields")
    return content


def scalar(text: str, where: str) -> Any:
    """Whatever a YAML text holds; raises InputError in one line."""
    if len(text) > MOST_BYTES:
        raise InputError(f"{where}: {len(text)} characters; expected at most {MOST_BYTES}")
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _measure(node, where)
        document = loader.construct_document(node)
        repr(document)  # a hexadecimal number of thousands of digits is read, but cannot be shown
        return document
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
        raise InputError(f"{where}:{line} not valid YAML: {' '.join(str(reason).split())}") from None
    except RecursionError:
        raise InputError(f"{where}: not valid YAML: nested too deeply") from None
    except InputError:
        raise
    except (ValueError, TypeError, OverflowError) as error:  # numbers of thousands of digits, dates that do not exist
        raise InputError(f"{where}: not valid YAML: {' '.join(str(error).split())[:200]}") from None
    finally:
        if loader is not None:
            loader.dispose()


def _measure(node: yaml.Node, where: str) -> None:
    """Raises InputError if the document is too deep, or too large once its aliases are written out."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(each: yaml.Node, depth: int) -> int:
        key = id(each)
        if key in open_nodes:
            raise InputError(f"{where}: not valid YAML: an alias stands within what it names")
        if depth > DEEPEST:
            raise InputError(f"{where}: not valid YAML: nested too deeply; expected at most {DEEPEST} levels")
        if key not in sizes:
            open_nodes.add(key)
            total = 1
            if isinstance(each, yaml.MappingNode):
                _check_names(each, where)
                total += sum(size(k, depth + 1) + size(v, depth + 1) for k, v in each.value)
            elif isinstance(each, yaml.SequenceNode):
                total += sum(size(v, depth + 1) for v in each.value)
            open_nodes.discard(key)
            sizes[key] = total
            if total > MOST_NODES:
                raise InputError(
                    f"{where}: {total} values once its aliases are written out; expected at most {MOST_NODES}"
                )
        return sizes[key]

    size(node, 0)


def _check_names(node: yaml.MappingNode, where: str) -> None:
    """Raises InputError for a field whose name holds half a character, which no message could show."""
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and any("\ud800" <= each <= "\udfff" for each in key.value):
            raise InputError(
                f"{where}: line {key.start_mark.line + 1}: field {key.value!r} holds half a character; expected Unicode"
            )

"""``--engine-option name=value``, of every command that makes runs."""

from __future__ import annotations

from typing import Annotated

import typer

from entangrid.data.errors import InputError

EngineOptions = Annotated[
    list[str] | None, typer.Option("--engine-option", metavar="NAME=VALUE", help="of the engine; may be repeated")
]


def engine_options(given: list[str] | None) -> dict[str, str]:
    """The engine's options by name; raises InputError for one without a value."""
    options: dict[str, str] = {}
    for option in given or []:
        name, _, value = option.partition("=")
        if not name or not value:
            raise InputError(f"--engine-option {option!r}: expected NAME=VALUE, such as partition=cpu")
        options[name] = value
    return options

"""Registers the tasks with Gymnasium by name; the environments themselves are imported when one is made."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

#: name -> "module:function" of the single environment; beside it stand function_vector and, but for homes,
#: function_simulator
TASKS = {
    "Home-v0": "gym:make_home",
    "Charging-v0": "charging:make_charging",
    "Dispatch-v0": "dispatch:make_dispatch",
}


def register() -> None:
    """Register every ``entangrid/...`` task that Gymnasium does not know yet."""
    import gymnasium

    for name, function in TASKS.items():
        task_id = f"entangrid/{name}"
        if task_id not in gymnasium.registry:
            gymnasium.register(
                id=task_id,
                entry_point=f"entangrid.envs.{function}",
                vector_entry_point=f"entangrid.envs.{function}_vector",
            )


def simulator_factory(name: str) -> Callable[..., Any]:
    """``make_..._simulator(n_envs, seed, **task)`` of a registered task."""
    module, function = TASKS[name].split(":")
    factory: Callable[..., Any] = getattr(importlib.import_module(f"entangrid.envs.{module}"), f"{function}_simulator")
    return factory


class _AfterImport(importlib.abc.MetaPathFinder):
    """Calls :func:`register` once, right after somebody else's ``import gymnasium``.

    Gymnasium 1.4 dropped its plug-in entry point, and importing it takes 0.25 s that ``entangrid --help`` does not
    have.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "gymnasium":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                register()

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def register_with_gymnasium() -> None:
    """Register the tasks now if Gymnasium is imported, and otherwise as soon as it is."""
    if "gymnasium" in sys.modules:
        register()
    elif not any(isinstance(finder, _AfterImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterImport())

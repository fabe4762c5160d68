"""Registers the tasks with Gymnasium by name; the environments themselves are imported when one is made."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from entangrid.data.errors import InputError

#: name -> "module:prefix" of the functions prefix (one environment), prefix_vector and prefix_simulator
TASKS = {
    "Thermostat-v0": "gym:make_home",
    "Battery-v0": "gym:make_home",
    "Home-v0": "gym:make_home",
    "Charging-v0": "charging:make_charging",
    "Dispatch-v0": "dispatch:make_dispatch",
    "Feeder-v0": "gym:make_home",
}
#: Tasks of homes share their functions and differ in the defaults that go with their names.
HOMES = tuple(name for name, function in TASKS.items() if function == "gym:make_home")


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
                kwargs={"name": name} if name in HOMES else {},
            )


def make_simulator(task_id: str, n_envs: int = 1, seed: int = 0, **task: Any) -> Any:
    """The simulator of a registered task; keyword arguments as for ``gymnasium.make``.

    Raises InputError for an unknown task.
    """
    name = task_id.removeprefix("entangrid/")
    if name not in TASKS or name == task_id:
        known = ", ".join(f"entangrid/{each}" for each in TASKS)
        raise InputError(f"task {task_id!r} is unknown; expected one of {known}")
    module, function = TASKS[name].split(":")
    factory = getattr(importlib.import_module(f"entangrid.envs.{module}"), f"{function}_simulator")
    if name in HOMES:
        task["name"] = name
    return factory(n_envs, seed, **task)


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

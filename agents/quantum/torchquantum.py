"""The one place that imports TorchQuantum.

TorchQuantum imports torchvision, Qiskit, torchpack and others at its top, for data sets, plug-ins and logging that a
circuit never touches. While it is being imported, and only then, an import hook answers for those of them that are
absent (or, for torchvision, installed but broken) with modules whose attributes do nothing. Installed packages are
never replaced, and the stand-ins are gone from ``sys.modules`` afterwards, so that everyone else still sees an absent
package as absent.

Exports ``tq`` (the package) and ``tqf`` (its functional interface). Raises `InputError` if torch or TorchQuantum is
missing.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
import types
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

from entangrid.data.errors import InputError

_OPTIONAL = (
    "torchvision", "torchpack", "torchdiffeq", "qiskit", "qiskit_aer", "qiskit_ibm_runtime", "qiskit_nature",
    "opt_einsum", "pathos", "dill", "pylatexenc", "matplotlib", "scipy", "sklearn", "tqdm", "pyscf", "tensorflow",
)  # fmt: skip


class _InertMeta(type):
    """A class whose every attribute is the class itself, so that chains of names resolve while importing."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls

    def __iter__(cls) -> Iterator[Any]:
        return iter(())


class Inert(metaclass=_InertMeta):
    """Stands for anything of an absent package: can be subclassed and built, and refuses to be called."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("this part of TorchQuantum needs an optional package that is not installed")


class _InertModule(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return logging.getLogger("torchquantum") if name == "logger" else Inert


class _AbsentFinder(MetaPathFinder, Loader):
    """Finds every (sub)module of the packages named in ``absent``."""

    def __init__(self, absent: set[str]) -> None:
        self.absent = absent

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in self.absent:
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return _InertModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__file__ = "<absent>"


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return name in sys.modules


def _forget(packages: set[str], *, only_inert: bool) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] in packages]:
        if not only_inert or isinstance(sys.modules[name], _InertModule):
            del sys.modules[name]


def import_beside_absent(package: str, optional: Sequence[str] = _OPTIONAL) -> types.ModuleType:
    """Import `package` with inert stand-ins for those of the `optional` packages that are absent."""
    absent = {name for name in optional if not _is_installed(name)}
    if "torchvision" in optional and "torchvision" not in absent:
        try:  # a CUDA build beside a CPU torch is installed, yet fails: "operator torchvision::nms does not exist"
            importlib.import_module("torchvision")
        except Exception:
            _forget({"torchvision"}, only_inert=False)
            absent.add("torchvision")
    finder = _AbsentFinder(absent)
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(package)
    finally:
        sys.meta_path.remove(finder)
        _forget(absent, only_inert=True)


for _name, _package in (("torch", "torch"), ("torchquantum", "torchquantum-ng")):
    if not _is_installed(_name):
        raise InputError(f'quantum circuits need {_package}, which is not installed: pip install "entangrid[learn]"')

importlib.import_module("torch")  # before the hook: torch itself must not meet a stand-in
tq: Any = import_beside_absent("torchquantum")
tqf: Any = importlib.import_module("torchquantum.functional")

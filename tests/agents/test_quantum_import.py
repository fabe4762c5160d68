"""Importing TorchQuantum leaves the interpreter as it was."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from entangrid.agents.quantum import torchquantum as door


def test_no_finder_and_no_stand_in_is_left_behind() -> None:
    assert not [finder for finder in sys.meta_path if isinstance(finder, door._AbsentFinder)]
    assert not [name for name, module in sys.modules.items() if isinstance(module, door._InertModule)]
    assert door.tq.QuantumDevice(n_wires=2).states.shape == (1, 2, 2)


def test_absent_packages_stay_absent_for_everyone_else() -> None:
    for name in door._OPTIONAL:
        if importlib.util.find_spec(name) is None:
            with pytest.raises(ImportError):
                importlib.import_module(name)


def _package(root: Path, name: str, text: str) -> None:
    (root / name).mkdir()
    (root / name / "__init__.py").write_text(text)


def test_only_absent_and_broken_packages_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _package(tmp_path, "eg_present", "value = 7\n")
    _package(tmp_path, "torchvision", "from torchvision import ops\n")
    (tmp_path / "torchvision" / "ops.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')\n")
    _package(
        tmp_path,
        "eg_user",
        "import eg_present, torchvision.datasets\nfrom eg_absent.deep.down import Thing\n"
        "class Mine(Thing): pass\nvalue = eg_present.value\nmine = Mine()\n",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("torchvision", "eg_present", "eg_user"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    before = list(sys.meta_path)
    module = door.import_beside_absent("eg_user", ("eg_present", "eg_absent", "torchvision"))
    assert module.value == 7
    assert sys.modules["eg_present"].__file__ == str(tmp_path / "eg_present" / "__init__.py")
    assert "eg_absent" not in sys.modules
    assert "torchvision" not in sys.modules
    assert sys.meta_path == before
    with pytest.raises(RuntimeError, match="optional package"):
        module.mine()


def test_a_failing_import_also_cleans_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _package(tmp_path, "eg_failing", "import eg_absent\nraise RuntimeError('broken')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = list(sys.meta_path)
    with pytest.raises(RuntimeError, match="broken"):
        door.import_beside_absent("eg_failing", ("eg_absent",))
    assert sys.meta_path == before
    assert "eg_absent" not in sys.modules


@pytest.mark.parametrize("missing", ["torch", "torchquantum"])
def test_a_missing_requirement_names_the_extra(missing: str) -> None:
    code = (
        "import importlib.util as u; real = u.find_spec\n"
        f"u.find_spec = lambda name, *a: None if name == {missing!r} else real(name, *a)\n"
        "from entangrid.agents.quantum import Circuit\n"
        "try: Circuit(2)\nexcept Exception: raise SystemExit(1)\n"
        "import entangrid.agents.quantum.torchquantum\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "InputError: quantum circuits need" in done.stderr
    assert 'pip install "entangrid[learn]"' in done.stderr


def test_a_circuit_is_described_without_torch() -> None:
    code = "import sys; from entangrid.agents.quantum import Circuit; Circuit(4).n_parameters\n"
    code += "assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

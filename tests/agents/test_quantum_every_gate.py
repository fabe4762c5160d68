"""TorchQuantum's whole table of gates: each is executed fast, or left to TorchQuantum with a warning that names it."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from entangrid.agents.quantum import compile_circuit
from entangrid.agents.quantum.torchquantum import tq, tqf

N = 6
WIDE = {"multicnot": 0, "multixcnot": 0, "multirz": 1, "qft": 0}  # any number of wires: angles
BROKEN = {  # which raise in TorchQuantum, the last for more than one sample
    "ccnot", "ccx", "ch", "chadamard", "cp", "cphase", "cr", "cu1", "cu2", "rc3x", "rccx", "singleexcitation",
    "toffoli", "u1", "u2", "echoedcrossresonance", "globalphase", "qubitunitarystrict",
}  # fmt: skip
SHARED = {"cu": 4, "cu3": 3, "xxminyy": 2, "xxplusyy": 2}  # angles that must be the same for all samples
MATRICES = {"qubitunitary", "qubitunitaryfast", "qubitunitarystrict"}
SLOW = {"reset"}


class OneGate(tq.QuantumModule):
    """A gate between rotations, on the last wires in falling order; its angles are inputs, or weights."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        gate = tq.op_name_dict.get(name)
        self.n_wires = 3 if name in WIDE or name in SLOW else 2 if name in MATRICES else int(gate.num_wires)
        self.n_angles = WIDE.get(name, SHARED.get(name, 0 if name in MATRICES | SLOW else int(gate.num_params)))
        self.weight = torch.nn.Parameter(torch.rand(N))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        device = tq.QuantumDevice(n_wires=N, bsz=len(x))
        for i in range(N):
            tqf.ry(device, wires=i, params=x[:, i] + 0.1 * i)
            tqf.rx(device, wires=i, params=self.weight[i])
        options: dict[str, Any] = {"n_wires": self.n_wires} if self.name in WIDE else {}
        if self.name in MATRICES:
            angles = torch.linspace(0, 3, 16).reshape(4, 4)
            options["params"] = torch.matrix_exp(1j * (angles + angles.T))
        elif self.name in SHARED:
            options["params"] = self.weight[: self.n_angles].reshape(1, -1)
        elif self.n_angles:
            options["params"] = x[:, 0] if self.n_angles == 1 else x[:, : self.n_angles]
        wires = list(range(N - 1, N - 1 - self.n_wires, -1))
        tqf.func_name_dict[self.name](device, wires=wires, **options)
        for i in range(N):
            tqf.ry(device, wires=i, params=0.4 + 0.3 * i)
        return tq.MeasureAll(tq.PauliZ)(device)


@pytest.mark.parametrize("name", sorted(tqf.func_name_dict))
def test_fast_or_named(name: str) -> None:
    torch.manual_seed(0)
    if name in BROKEN:
        pytest.skip("raises in TorchQuantum")
    module, x = OneGate(name), torch.rand(4, N)
    want = module(x)
    layer = compile_circuit(module)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        got = layer(x)
    assert not [w for w in told if "no fast form" in str(w.message) and f"gate {name} " not in str(w.message)]
    named = [w for w in told if f"gate {name} has no fast form" in str(w.message)]
    assert (layer.mode, len(named)) == (("torchquantum", 1) if name in SLOW else ("traced once", 0))
    torch.testing.assert_close(got, want, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", sorted(BROKEN - {"globalphase", "qubitunitarystrict"}))
def test_what_is_broken_there_raises_here_too(name: str) -> None:
    def attempt(run: Any) -> type[BaseException] | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                run(torch.rand(4, N))
        except Exception as error:
            return type(error)
        return None

    try:
        module = OneGate(name)
    except (TypeError, AttributeError):
        pytest.skip("has no size")
    assert attempt(module) is not None
    assert attempt(compile_circuit(module)) is not None

"""The plan in plain torch equals the compiled kernels, in both precisions, for circuits and modules alike."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_cases import FAMILIES, N_INPUTS, Encoded, Hybrid, agree, circuits, dense, draw_values, with_gradients

from entangrid.agents.quantum import compile_circuit
from entangrid.agents.quantum.fused_torch import TorchPlan
from entangrid.agents.quantum.plan import make_plan
from entangrid.agents.quantum.readout import parse_readout
from entangrid.agents.quantum.translation import translate


@settings(max_examples=80, deadline=None)
@given(circuits(), st.integers(1, 3), st.integers(0, 999))
def test_random_circuits_agree(circuit: Any, batch: int, seed: int) -> None:
    n, gates, strings = circuit
    plan = make_plan([p for g in gates for p in translate(g) or []], parse_readout(strings, n), n, N_INPUTS, 2, 4)
    values = draw_values(batch, seed, torch.float64)
    exact = with_gradients(dense(n, gates, strings, values), values)
    agree(with_gradients(TorchPlan(plan, "double")(*values), values), exact, 1e-10)
    single = [v.detach().float().requires_grad_() for v in values]
    agree(with_gradients(TorchPlan(plan)(*single), single), exact, 2e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family(name: str) -> None:
    torch.manual_seed(0)
    fused = compile_circuit(FAMILIES[name])
    layer = compile_circuit(fused.module, backend="torch")
    x = torch.rand(5, fused.circuit.inputs)
    torch.testing.assert_close(layer(x), fused(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", [Encoded, Hybrid])
def test_modules_of_ones_own(kind: type[Any]) -> None:
    torch.manual_seed(0)
    module = kind()
    x = torch.randn(6, 3)
    want = module(x).detach()
    layer = compile_circuit(module, backend="torch")
    torch.testing.assert_close(layer(x).detach(), want, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.from_numpy(layer.act(x.numpy())), want, atol=1e-5, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", FAMILIES)
def test_on_a_gpu(name: str) -> None:
    torch.manual_seed(0)
    fused = compile_circuit(FAMILIES[name])
    layer = compile_circuit(FAMILIES[name], backend="torch")
    layer.load_state_dict(fused.state_dict())
    x = torch.rand(5, fused.circuit.inputs)
    torch.testing.assert_close(layer.cuda()(x.cuda()).cpu(), fused(x), atol=1e-5, rtol=0)

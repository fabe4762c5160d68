"""What ``entangrid circuit`` prints: lines, or JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from entangrid.agents.quantum.analysis_cost import cost
from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.cv import CVCircuit
from entangrid.agents.quantum.readout import observables


def title(name: str, circuit: Circuit | CVCircuit) -> str:
    """One line: size and kind."""
    ends = f"{circuit.inputs} inputs, {circuit.outputs} outputs"
    if isinstance(circuit, CVCircuit):
        kerr = "" if circuit.kerr else ", no Kerr gates"
        return f"{name}: {circuit.n_modes} modes, {circuit.n_layers} layers, cutoff {circuit.cutoff}{kerr}, {ends}"
    kind = circuit.ansatz if circuit.ansatz != "reuploading" else f"{circuit.ansatz}, {circuit.entangler}"
    return f"{name}: {circuit.n_qubits} qubits, {circuit.n_layers} layers, {kind}, {ends}"


def as_json(name: str, circuit: Circuit | CVCircuit, batch: int) -> dict[str, Any]:
    """The same numbers for scripts."""
    counts = cost(circuit)
    cv = isinstance(circuit, CVCircuit)
    return {
        "circuit": name,
        "modes" if cv else "qubits": circuit.n_modes if isinstance(circuit, CVCircuit) else circuit.n_qubits,
        "layers": circuit.n_layers,
        "inputs": circuit.inputs,
        "outputs": circuit.outputs,
        "parameters": circuit.n_parameters,
        "parameters_by_group": {group: int(n) for group, n in counts.parameters.items()},
        "depth": counts.depth,
        "two_mode_gates" if cv else "two_qubit_gates": counts.two_wire_gates,
        "gates": dict(sorted(counts.gates.items())),
        "measurement_settings": counts.settings,
        "batch": batch,
        "executions_parameter_shift": counts.shift_executions(batch),
        "executions_adjoint": counts.adjoint_executions(batch),
    }


def cost_lines(circuit: Circuit | CVCircuit, batch: int) -> list[str]:
    """Parameters, depth, gates and executions per gradient step."""
    counts = cost(circuit)
    cv = isinstance(circuit, CVCircuit)
    prepares = not isinstance(circuit, CVCircuit) and circuit.encoding == "amplitude"
    groups = ", ".join(f"{group.replace('_', ' ')} {n}" for group, n in counts.parameters.items() if n)
    two = {"beam-splitter"} if cv else {g.name for g in getattr(circuit, "gates", ()) if len(g.wires) > 1}
    shift = counts.shift_executions(batch)
    n_reads = circuit.observables if isinstance(circuit, CVCircuit) else circuit.terms.weights.shape[1]
    rows = [
        ("parameters", f"{circuit.n_parameters}", groups),
        ("depth", f"{counts.depth}", "behind the preparation of the amplitudes" if prepares else ""),
        ("two-mode gates" if cv else "two-qubit gates", f"{counts.two_wire_gates}", _list(counts.gates, two)),
        ("gates", f"{sum(counts.gates.values())}", _list(counts.gates)),
        ("read-outs", f"{n_reads}", _reads(circuit)),
        ("measurement settings", f"{counts.settings}", ""),
    ]
    if isinstance(circuit, CVCircuit):
        rows.append(("amplitudes", f"{circuit.cutoff**circuit.n_modes}", "of each simulated state"))
    rows.append((f"executions per gradient step of {batch}", "", ""))
    if shift is None:
        why = (
            "no exact rule behind Kerr gates" if getattr(circuit, "kerr", False) else "no exact rule for photon numbers"
        )
        rows.append(("  parameter shift", "-", why))
    else:
        rows.append(
            ("  parameter shift", f"{shift}", f"{batch} x {counts.settings} x (1 + {counts.shifts}), each x shots")
        )
    rows.append(("  adjoint", f"{counts.adjoint_executions(batch)}", "passes forward and back, in simulation only"))
    return [f"{name:<36}{value:>8}  {note}".rstrip() for name, value, note in rows]


def _reads(circuit: Circuit | CVCircuit) -> str:
    if isinstance(circuit, CVCircuit):
        return {"x": "⟨x⟩ of every mode", "n": "⟨n⟩ of every mode", "xn": "⟨x⟩ and ⟨n⟩ of every mode"}[circuit.readout]
    sums = [((1.0, o),) if isinstance(o, str) else o for o in observables(circuit.readout, circuit.n_qubits)]
    names = [" + ".join(("" if c == 1.0 else f"{c:g} ") + _string(s) for c, s in terms) for terms in sums]
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _string(pauli: str) -> str:
    """ "IZXI" as Z1 X2."""
    return " ".join(f"{letter}{i}" for i, letter in enumerate(pauli.upper()) if letter != "I") or "I"


def _list(gates: dict[str, int], only: set[str] | None = None) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(gates.items()) if only is None or name in only)


def analysis_lines(circuit: Circuit | CVCircuit) -> list[str]:
    """What sampling its weights says of a circuit of qubits."""
    if isinstance(circuit, CVCircuit):
        return ["analysis: of qubit circuits only"]
    from entangrid.agents.quantum import analysis

    few = circuit.n_qubits > 8
    reach = analysis.expressibility(circuit, 1_000 if few else 5_000)
    entangled = analysis.entangling_capability(circuit, 200 if few else 1_000)
    rows = [
        (
            "expressibility",
            f"{reach.kl:.4f}",
            f"nat from Haar; Haar itself gives {reach.floor:.4f} (lower reaches more)",
        ),
        (
            "entangling capability",
            f"{entangled.mean:.3f}",
            f"± {entangled.standard_error:.3f}; Haar {entangled.haar:.3f}",
        ),
    ]
    if circuit.program.n_weights:
        slopes = analysis.gradient_variance(circuit, 50 if few else 200)
        note = f"± {slopes.standard_error:.1g}, first read-out, mean over weights"
        rows.append(("variance of gradients", f"{slopes.mean:.2g}", note))
    if circuit.encoding != "amplitude":
        found = analysis.fourier_spectrum(circuit, 0, 10)
        reached = [
            f"{f:.4g}"
            for f, hit in zip(found.frequencies, np.any(found.reached, 0).tolist(), strict=True)
            if f >= 0 and hit
        ]
        rows.append(("frequencies in x0", f"{len(reached)}", ", ".join(reached)))
    return [f"{name:<36}{value:>8}  {note}" for name, value, note in rows]

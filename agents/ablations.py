"""Quantumness ablations: one named change of a quantum learner's settings each.

==========================  ============================================================================================
name                        what changes, and nothing else
==========================  ============================================================================================
entanglers-off              the circuit's entangler: "none"
circuit-frozen              the angles keep their random first values
scaling-frozen              input scaling (λ and an input layer) and output scaling (the circuit's own, and the head)
                            keep their first values
layers-frozen               the linear layers before the gates and behind the circuit (the policy's head) keep theirs; λ
                            and the weights of the circuit's own ``output``, which are scaling, are trained
circuit-to-mlp              an MLP with one hidden layer, of the circuit's inputs, outputs and number of parameters
circuit-to-fourier          sines and cosines of the circuit's frequencies (:mod:`entangrid.agents.replacements`)
circuit-to-identity         one linear layer of the circuit's inputs and outputs: linear in, linear out
kerr-off                    no Kerr gates (qumodes)
shots-100, -1000, -10000    read-outs estimated from so many measurements of every setting
depolarising-0.1, -1        a depolarising channel of 0.1 or 1 % after every gate, one and two qubits alike
                            (draws of both are seeded, so that first values stay the parent's)
==========================  ============================================================================================

Settings are a policy's keyword arguments, plain data: ``circuit``, ``critic_circuit``, ``backend``, ``lr_scales`` and
``critic_lr_scales`` of :class:`entangrid.agents.quantum.policies.QuantumActorCriticPolicy` and the others. Whatever is
a circuit there is changed, actor and critic alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from entangrid.data.errors import InputError

Settings = dict[str, Any]


def _circuits(settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(field of the circuit, field of its learning rates) of every network that is one."""
    role = settings.get("quantum", "actor")
    pairs = {"actor": ("circuit", "lr_scales"), "critic": ("critic_circuit", "critic_lr_scales")}
    return tuple(pair for name, pair in pairs.items() if role in (name, "both"))


def _describe(name: str, settings: Mapping[str, Any], field: str) -> dict[str, Any]:
    circuit = settings.get(field) or {}
    if not isinstance(circuit, Mapping):
        raise InputError(f"ablation {name!r}: {field} is {circuit!r}; expected fields of a circuit")
    return dict(circuit)


def _qubits(name: str, circuit: Mapping[str, Any]) -> None:
    if "n_modes" in circuit:
        raise InputError(f"ablation {name!r} needs a circuit of qubits; this one has qumodes")


def _field(field: str, value: Any, *, modes: bool = False) -> Callable[[str, Settings], None]:
    def change(name: str, settings: Settings) -> None:
        for where, _ in _circuits(settings):
            circuit = _describe(name, settings, where)
            if modes and "n_modes" not in circuit:
                raise InputError(f"ablation {name!r} needs a circuit of qumodes (n_modes); this one has qubits")
            if not modes:
                _qubits(name, circuit)
            settings[where] = {**circuit, field: value}

    return change


def _frozen(*groups: str) -> Callable[[str, Settings], None]:
    def change(name: str, settings: Settings) -> None:
        for _, where in _circuits(settings):
            settings[where] = {**(settings.get(where) or {}), **dict.fromkeys(groups, 0.0)}

    return change


def _replaced(kind: str) -> Callable[[str, Settings], None]:
    def change(name: str, settings: Settings) -> None:
        from entangrid.agents.replacements import Replacement

        for where, _ in _circuits(settings):
            circuit = _describe(name, settings, where)
            _qubits(name, circuit)
            settings[where] = Replacement.of(kind, circuit)

    return change


def _backend(**options: Any) -> Callable[[str, Settings], None]:
    def change(name: str, settings: Settings) -> None:
        for where, _ in _circuits(settings):
            _qubits(name, _describe(name, settings, where))
        settings["backend"] = {**options}

    return change


def _depolarising(percent: float) -> Callable[[str, Settings], None]:
    share = percent / 100.0
    return _backend(backend="density", seed=0, noise={"depolarising_1q": share, "depolarising_2q": share})


_CHANGES: dict[str, Callable[[str, Settings], None]] = {
    "entanglers-off": _field("entangler", "none"),
    "circuit-frozen": _frozen("angles"),
    "scaling-frozen": _frozen("input_scaling", "output_scaling"),
    "layers-frozen": _frozen("layers"),
    "circuit-to-mlp": _replaced("mlp"),
    "circuit-to-fourier": _replaced("fourier"),
    "circuit-to-identity": _replaced("identity"),
    "kerr-off": _field("kerr", False, modes=True),
    **{f"shots-{shots}": _backend(backend="shots", shots=shots, seed=0) for shots in (100, 1_000, 10_000)},
    "depolarising-0.1": _depolarising(0.1),
    "depolarising-1": _depolarising(1.0),
}

ABLATIONS = tuple(_CHANGES)


def apply(name: str, settings: Mapping[str, Any]) -> Settings:
    """The settings with one ablation's change; what was given stays as it is.

    Raises InputError for an unknown name and for settings that have nothing of the kind.
    """
    if name not in _CHANGES:
        raise InputError(f"ablation {name!r} is unknown; expected one of {', '.join(ABLATIONS)}")
    changed = dict(settings)
    _CHANGES[name](name, changed)
    return changed

"""Reading the gates out of any TorchQuantum module without executing them.

Every gate of TorchQuantum, as a module or as a function, ends in ``gate_wrapper``, with the autograd history of its
angles intact. While a `Recorder` is active, that function and the analytic read-outs are replaced: gates are noted,
and the read-out hands what was noted to a callback. Anything else that looks at the amplitudes cannot be traced.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

import torch

from entangrid.agents.quantum.torchquantum import tq
from entangrid.data.errors import InputError

_measurements: Any = importlib.import_module("torchquantum.measurement.measurements")
_LETTERS = {"I": "I", "PauliX": "X", "PauliY": "Y", "PauliZ": "Z"}
MATRIX_GATES = ("qubitunitary", "qubitunitaryfast", "qubitunitarystrict")


class Untraceable(Exception):  # noqa: N818  # a signal between these modules, never shown as an error
    """The module does something that only TorchQuantum itself can execute; the message names it."""


class TracedGate(NamedTuple):
    """A gate by TorchQuantum's name; `params` (B or 1, k) with autograd history, or a constant matrix."""

    name: str
    wires: tuple[int, ...]
    params: torch.Tensor | None
    inverse: bool


class Tape(NamedTuple):
    """What happened on a device up to a read-out; `given` (B, 2^n) are states that were set, None for |0...0>."""

    n_qubits: int
    batch: int
    given: torch.Tensor | None
    gates: list[TracedGate]


ReadOut = Callable[[Tape, tuple[str, ...]], torch.Tensor]


class Recorder:
    """Notes gates on TorchQuantum devices; `read` turns a tape and Pauli strings into expectation values (B, T)."""

    def __init__(self, read: ReadOut) -> None:
        self.read = read
        self._tapes: dict[int, tuple[Any, Tape]] = {}

    def tape(self, device: Any) -> Tape:
        """The tape of a device, which starts at its first gate."""
        if id(device) not in self._tapes:
            self.start(device, int(device.bsz), None)
        return self._tapes[id(device)][1]

    def start(self, device: Any, batch: int, given: torch.Tensor | None) -> None:
        """Begin a tape anew."""
        self._tapes[id(device)] = (device, Tape(int(device.n_wires), batch, given, []))  # kept alive with its id

    def gate(self, name: str, wires: Any, device: Any, params: Any, matrix: Any, inverse: bool) -> None:
        """Note one gate, its angles in the shape TorchQuantum gives them."""
        if params is None and name in MATRIX_GATES:
            params = matrix
        wires = (wires,) if isinstance(wires, int) else tuple(int(w) for w in wires)
        n = int(device.n_wires)
        if len(set(wires)) < len(wires) or not all(0 <= w < n for w in wires):
            raise InputError(f"gate {name} on wires {list(wires)}: expected different ones from 0 to {n - 1}")
        if params is not None:
            if not isinstance(params, torch.Tensor):
                params = torch.tensor(params, dtype=torch.complex64 if name in MATRIX_GATES else torch.float32)
            if name not in MATRIX_GATES:
                params = params.reshape(1, 1) if params.dim() == 0 else params
                params = params.unsqueeze(-1) if params.dim() == 1 else params
        self.tape(device).gates.append(TracedGate(name, wires, params, bool(inverse)))

    def pending(self, device: Any) -> bool:
        """Whether the device's amplitudes are not what its buffer says."""
        return id(device) in self._tapes and bool(self._tapes[id(device)][1].gates)

    def expval(self, device: Any, wires: Any, observables: Any) -> torch.Tensor:
        """TorchQuantum's ``expval``, without its rotating the device's state."""
        wires, observables = ([wires], [observables]) if isinstance(wires, int) else (wires, observables)
        strings = []
        for wire, observable in zip(wires, observables, strict=True):
            letter = _LETTERS.get(type(observable).__name__)
            if letter is None:
                raise Untraceable(f"observable {type(observable).__name__}")
            strings.append("I" * wire + letter + "I" * (int(device.n_wires) - 1 - wire))
        return self.read(self.tape(device), tuple(strings))

    def expval_joint(self, device: Any, observable: str) -> torch.Tensor:
        """TorchQuantum's ``expval_joint_analytical``: (B,)."""
        return self.read(self.tape(device), (observable.upper(),))[:, 0]

    @contextmanager
    def active(self) -> Iterator[None]:
        """Replace TorchQuantum's execution inside the block (in the whole process: not for several threads)."""
        device_class = tq.QuantumDevice
        get, set_ = device_class.__getattr__, device_class.__setattr__
        recorder = self

        def gate_wrapper(name: str, mat: Any, method: Any, q_device: Any, wires: Any, params: Any = None, *args: Any,
                         inverse: bool = False, **kwargs: Any) -> None:  # fmt: skip
            recorder.gate(name, wires, q_device, params, mat, inverse)

        def getattribute(device: Any, name: str) -> Any:
            if name == "states" and recorder.pending(device):
                raise Untraceable(_reader())
            return get(device, name)

        def setattribute(device: Any, name: str, value: Any) -> None:
            if name == "states":
                recorder.start(device, int(value.shape[0]), value.reshape(value.shape[0], -1))
            set_(device, name, value)

        def reset_states(device: Any, bsz: int) -> None:
            recorder.start(device, int(bsz), None)

        patches: list[tuple[Any, str, Any]] = [
            (module, "gate_wrapper", gate_wrapper)
            for name, module in list(sys.modules.items())
            if name.startswith("torchquantum.") and hasattr(module, "gate_wrapper")
        ]
        for module in (_measurements, tq, tq.measurement):
            patches.append((module, "expval", recorder.expval))
            patches.append((module, "expval_joint_analytical", recorder.expval_joint))
        patches += [
            (device_class, "__getattr__", getattribute),
            (device_class, "__setattr__", setattribute),
            (device_class, "reset_states", reset_states),
        ]
        before = [(owner, name, owner.__dict__.get(name)) for owner, name, _ in patches]
        try:
            for owner, name, value in patches:
                setattr(owner, name, value)
            yield
        finally:
            for owner, name, value in before:
                if value is None:  # inherited, or absent
                    delattr(owner, name)
                else:
                    setattr(owner, name, value)


def _reader() -> str:
    """Who asks for the amplitudes: the function of TorchQuantum in the calls that lead here, or the module itself."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name, where = frame.f_code.co_name, str(frame.f_globals.get("__name__", ""))
        if where.startswith("torchquantum.functional."):
            return f"gate {name}"
        if where.startswith("torchquantum.measurement."):
            return f"{name}, which reads the amplitudes of the device,"
        frame = frame.f_back
    return "reading the amplitudes of the device"


def run_traced(module: torch.nn.Module, args: Sequence[Any], read: ReadOut) -> Any:
    """What `module` returns with its read-outs computed by `read`. Raises `Untraceable`."""
    recorder = Recorder(read)
    with recorder.active():
        return module(*args)


def require_module(module: Any) -> torch.nn.Module:
    """Raise `InputError` unless it is a TorchQuantum module."""
    if not isinstance(module, tq.QuantumModule):
        raise InputError(
            f"compile_circuit takes a Circuit or a torchquantum.QuantumModule, not {type(module).__name__}"
        )
    out: torch.nn.Module = module
    return out

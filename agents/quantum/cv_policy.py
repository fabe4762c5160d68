"""A Stable-Baselines3 policy whose actor, critic or both are continuous-variable circuits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.preprocessing import get_flattened_obs_dim
from stable_baselines3.common.type_aliases import Schedule

from entangrid.agents.quantum.networks import CircuitOption
from entangrid.agents.quantum.policies import QuantumActorCriticPolicy


class CVActorCriticPolicy(QuantumActorCriticPolicy):
    """`QuantumActorCriticPolicy` with qumodes by default: `circuit` and `critic_circuit` are fields of `CVCircuit`, and
    `n_modes` defaults to the length of the observation, at most 2. ``precision`` is "single" or "double".

    Every other policy with circuits has them too, where `n_modes` is among the fields. Everything else is as in the
    base. Raises `InputError` naming the field.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        *args: Any,
        quantum: str = "actor",
        circuit: CircuitOption | None = None,
        critic_circuit: CircuitOption | None = None,
        precision: str = "single",
        **kwargs: Any,
    ) -> None:
        n_modes = min(get_flattened_obs_dim(observation_space), 2)
        if quantum != "critic" and (circuit is None or isinstance(circuit, Mapping)):
            circuit = {"n_modes": n_modes, **(circuit or {})}
        if quantum != "actor" and (critic_circuit is None or isinstance(critic_circuit, Mapping)):
            critic_circuit = {"n_modes": n_modes, **(critic_circuit or {})}
        self.precision = precision
        kwargs |= {"circuit": circuit, "critic_circuit": critic_circuit, "backend": {"precision": precision}}
        super().__init__(observation_space, action_space, lr_schedule, *args, quantum=quantum, **kwargs)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        del data["backend"]
        data["precision"] = self.precision
        return data

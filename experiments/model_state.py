"""Everything of a learning algorithm that decides how it goes on, as tensors, arrays and numbers; and back again.

The model is not stored: it is built anew from its configuration and filled. State is taken and given back at the same
line of Stable-Baselines3's ``learn``: the callback's ``on_rollout_start``, behind which an interrupted run and a
straight one cannot be told apart, to the last bit.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3.common.distributions import Distribution
from stable_baselines3.common.noise import ActionNoise, VectorizedActionNoise
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnvWrapper, VecNormalize

from entangrid.data.errors import InputError

#: counters of SB3's algorithms; schedules follow from them and the configuration
_COUNTERS = (
    "num_timesteps",
    "_total_timesteps",
    "_num_timesteps_at_start",
    "_current_progress_remaining",
    "_n_updates",
    "_episode_num",
    "_n_calls",
    "exploration_rate",
)
_SEEN = ("_last_obs", "_last_original_obs", "_last_episode_starts")
_EXPLORATION = ("exploration_mat", "exploration_matrices")  # of gSDE, drawn before the rollout starts


class State(NamedTuple):
    """``tensors``: dictionaries of tensors and numbers; ``arrays`` by name; ``numbers``: what JSON can hold."""

    tensors: dict[str, Any]
    arrays: dict[str, npt.NDArray[Any]]
    numbers: dict[str, Any]


def capture(model: Any, *, replay: bool = True) -> State:
    """The state of an SB3 algorithm and of its environment, to be stored at once: nothing is copied.

    ``replay`` False leaves out the replay buffer, without which training cannot go on. Raises InputError for an
    environment that cannot be stored.
    """
    tensors: dict[str, Any] = {
        "policy": dict(model.policy.state_dict()),
        "optimizers": {name: optimizer.state_dict() for name, optimizer in optimizers(model).items()},
        "exploration": {
            f"{name}.{key}": vars(distribution)[key].detach()
            for name, distribution in _distributions(model)
            for key in _EXPLORATION
            if isinstance(vars(distribution).get(key), torch.Tensor)
        },
        "generator": torch.get_rng_state(),
    }
    if isinstance(getattr(model, "log_ent_coef", None), torch.Tensor):
        tensors["log_ent_coef"] = model.log_ent_coef.detach()
    if model.device.type == "cuda":
        tensors["generator_cuda"] = torch.cuda.get_rng_state(model.device)
    arrays: dict[str, npt.NDArray[Any]] = {
        name: getattr(model, name) for name in _SEEN if getattr(model, name) is not None
    }
    numpy_state: Any = np.random.get_state()  # noqa: NPY002  # SB3 draws from NumPy's global generator
    arrays["numpy_generator"] = numpy_state[1]
    numbers: dict[str, Any] = {
        "counters": {name: _plain(getattr(model, name)) for name in _COUNTERS if hasattr(model, name)},
        "numpy_generator": [numpy_state[0], *map(_plain, numpy_state[2:])],
        "python_generator": list(random.getstate()),
        "space_generators": _space_generators(model),
        "episodes": [{key: _plain(value) for key, value in seen.items()} for seen in model.ep_info_buffer or ()],
        "successes": [_plain(value) for value in model.ep_success_buffer or ()],
        "draws": {name: dict(vars(draws)) for name, draws in circuit_draws(model)},
    }
    for i, noise in enumerate(_noises(model.action_noise)):
        if hasattr(noise, "noise_prev"):
            arrays[f"action_noise.{i}"] = noise.noise_prev
    if replay and getattr(model, "replay_buffer", None) is not None:
        buffer = model.replay_buffer
        numbers["replay"] = {"pos": int(buffer.pos), "full": bool(buffer.full)}
        rows = buffer.buffer_size if buffer.full else min(buffer.pos + 1, buffer.buffer_size)
        arrays |= {f"replay.{name}": array[:rows] for name, array in _buffer_arrays(buffer)}
    _capture_env(model.env, arrays, numbers)
    return State(tensors, arrays, numbers)


def fill(model: Any, state: State) -> None:
    """Give a model, built from the same configuration and about to collect its first rollout, that state.

    Raises InputError if the state is of another model.
    """
    try:
        _fill(model, state)
    except (KeyError, ValueError, TypeError, RuntimeError, AttributeError, IndexError) as error:
        raise InputError(f"state does not fit this model: {_first_line(error)}") from None


def fill_policy(model: Any, state: State) -> None:
    """Give a model the networks of that state and the number of steps behind it; raises InputError as `fill`."""
    try:
        model.policy.load_state_dict(state.tensors["policy"])
        model.num_timesteps = state.numbers["counters"]["num_timesteps"]
        _fill_draws(model, state.numbers)
    except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise InputError(f"state does not fit this model: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _fill(model: Any, state: State) -> None:
    tensors, arrays, numbers = state
    model.policy.load_state_dict(tensors["policy"])
    found = optimizers(model)
    if found.keys() != tensors["optimizers"].keys():
        raise ValueError(f"optimizers {sorted(tensors['optimizers'])}; expected {sorted(found)}")
    for name, optimizer in found.items():
        optimizer.load_state_dict(tensors["optimizers"][name])
    for name, distribution in _distributions(model):
        for key in _EXPLORATION:
            if f"{name}.{key}" in tensors["exploration"]:
                vars(distribution)[key] = tensors["exploration"][f"{name}.{key}"]
    if "log_ent_coef" in tensors:
        with torch.no_grad():
            model.log_ent_coef.copy_(tensors["log_ent_coef"])
    for name in _SEEN:
        setattr(model, name, arrays.get(name))
    for name, value in numbers["counters"].items():
        setattr(model, name, value)
    model.ep_info_buffer = deque(numbers["episodes"], maxlen=model._stats_window_size)
    model.ep_success_buffer = deque(numbers["successes"], maxlen=model._stats_window_size)
    for i, noise in enumerate(_noises(model.action_noise)):
        if hasattr(noise, "noise_prev"):
            noise.noise_prev = arrays[f"action_noise.{i}"]
    if "replay" in numbers:
        buffer = model.replay_buffer
        buffer.pos, buffer.full = numbers["replay"]["pos"], numbers["replay"]["full"]
        for name, array in _buffer_arrays(buffer):
            array[: len(arrays[f"replay.{name}"])] = arrays[f"replay.{name}"]
    _fill_env(model.env, arrays, numbers)
    _fill_draws(model, numbers)
    for name, space in _spaces(model):
        if name in numbers["space_generators"]:
            space.np_random.bit_generator.state = numbers["space_generators"][name]
    kind, pos, has_gauss, cached = numbers["numpy_generator"]
    np.random.set_state((kind, arrays["numpy_generator"], pos, has_gauss, cached))  # noqa: NPY002
    version, internal, gauss = numbers["python_generator"]
    random.setstate((version, tuple(internal), gauss))
    torch.set_rng_state(tensors["generator"])
    if "generator_cuda" in tensors:
        torch.cuda.set_rng_state(tensors["generator_cuda"], model.device)


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Within, the model may be used; all random numbers that training draws go on as if it had not been.

    Circuits with shots draw theirs from the beginning of the stream of their own seed: what is found within depends on
    the weights alone.
    """
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002
    kept = [(draws, dict(vars(draws))) for _, draws in circuit_draws(model)]
    try:
        for draws, _ in kept:
            draws.calls = 0
        yield
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        for draws, values in kept:
            vars(draws).update(values)


def optimizers(model: Any) -> dict[str, torch.optim.Optimizer]:
    """Every optimizer of an algorithm, by where it hangs."""
    holders = [("model", model), *((f"policy.{name}".rstrip("."), part) for name, part in model.policy.named_modules())]
    return {
        f"{where}.{name}": value
        for where, holder in holders
        for name, value in vars(holder).items()
        if isinstance(value, torch.optim.Optimizer)
    }


def circuit_draws(model: Any) -> list[tuple[str, Any]]:
    """The random numbers and counts of layers that execute circuits with noise or shots, by name of the layer."""
    found = [
        (name, getattr(getattr(part, "options", None), "draws", None)) for name, part in model.policy.named_modules()
    ]
    return [(name, draws) for name, draws in found if draws is not None]


def _fill_draws(model: Any, numbers: dict[str, Any]) -> None:
    for name, draws in circuit_draws(model):
        vars(draws).update(numbers["draws"][name])


def _distributions(model: Any) -> list[tuple[str, Distribution]]:
    return [
        (f"{name}.{key}", value)
        for name, part in model.policy.named_modules()
        for key, value in vars(part).items()
        if isinstance(value, Distribution)
    ]


def _noises(noise: ActionNoise | None) -> list[ActionNoise]:
    if noise is None:
        return []
    return list(noise.noises) if isinstance(noise, VectorizedActionNoise) else [noise]


def _buffer_arrays(buffer: Any) -> list[tuple[str, npt.NDArray[Any]]]:
    return [
        (name, value)
        for name, value in vars(buffer).items()
        if isinstance(value, np.ndarray) and value.ndim and len(value) == buffer.buffer_size
    ]


def _spaces(model: Any) -> list[tuple[str, Any]]:
    return [("action", model.action_space), ("observation", model.observation_space)]


def _space_generators(model: Any) -> dict[str, Any]:
    return {name: s.np_random.bit_generator.state for name, s in _spaces(model) if s._np_random is not None}


def _plain(value: Any) -> Any:
    """The same as JSON can hold it; raises TypeError for what it cannot."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} is no plain number")


def _layers(env: Any) -> list[Any]:
    layers = [env]
    while isinstance(layers[-1], VecEnvWrapper):
        layers.append(layers[-1].venv)
    return layers


def _statistics(layer: VecNormalize) -> list[tuple[str, RunningMeanStd]]:
    of_obs: Any = getattr(layer, "obs_rms", None)
    named = of_obs if isinstance(of_obs, dict) else {} if of_obs is None else {"obs": of_obs}
    return [("returns", layer.ret_rms), *named.items()]


def _capture_env(env: Any, arrays: dict[str, npt.NDArray[Any]], numbers: dict[str, Any]) -> None:
    for i, layer in enumerate(_layers(env)):
        if isinstance(layer, VecNormalize):
            for name, of in _statistics(layer):
                arrays[f"env.{i}.{name}"] = np.array([of.mean, of.var, np.full_like(of.mean, of.count)])
            for name in ("returns", "old_reward", "old_obs"):
                if isinstance(getattr(layer, name, None), np.ndarray):
                    arrays[f"env.{i}.last.{name}"] = getattr(layer, name)
        elif hasattr(type(layer), "snapshot"):  # its own: a wrapper would pass on the question
            snapshot = dict(layer.snapshot())
            numbers[f"env.{i}.seed"] = int(snapshot.pop("seed"))
            arrays |= {f"env.{i}.{name}": value for name, value in snapshot.items()}
        else:
            raise InputError(
                f"environment {type(layer).__name__} cannot be stored; expected VecNormalize or one with snapshot()"
            )


def _fill_env(env: Any, arrays: dict[str, npt.NDArray[Any]], numbers: dict[str, Any]) -> None:
    for i, layer in enumerate(_layers(env)):
        if isinstance(layer, VecNormalize):
            for name, of in _statistics(layer):
                mean, var, count = arrays[f"env.{i}.{name}"]
                of.mean, of.var, of.count = mean, var, float(count.flat[0])
            for name in ("returns", "old_reward", "old_obs"):
                if f"env.{i}.last.{name}" in arrays:
                    setattr(layer, name, arrays[f"env.{i}.last.{name}"])
        else:
            prefix = f"env.{i}."
            snapshot = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
            layer.restore({"seed": numbers[f"env.{i}.seed"], **snapshot})

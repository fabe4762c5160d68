"""Controllers: everything with Stable-Baselines3's ``predict``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from entangrid.agents import learners
from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from entangrid.agents import quantum
    from entangrid.agents.controller import Controller
    from entangrid.envs.tasks import Task

__all__ = ["NAMES", "make", "quantum"]

#: act at once; those that plan, after ``attach(simulator)``
RULES = (
    "no-control",
    "thermostat-fixed",
    "thermostat-scheduled",
    "thermostat-occupancy",
    "preconditioning",
    "self-consumption",
    "tariff",
    "greedy",
    "mpc",
    "mpc-persistence",
    "mpc-noisy",
    "mpc-perfect",
    "optimum",
)
#: found by search on the training task: ``learn(steps)`` first
SEARCHED = (
    "thermostat-fixed-tuned",
    "thermostat-scheduled-tuned",
    "thermostat-occupancy-tuned",
    "preconditioning-tuned",
    "self-consumption-tuned",
    "tariff-tuned",
    "linear-cem",
)
LEARNERS = ("ppo-mlp-matched", *learners.LEARNERS)
NAMES = (*RULES, *SEARCHED, *LEARNERS)


def make(name: str, task: Task, *, n_envs: int = 16, seed: int = 0, **options: Any) -> Controller | Any:
    """A controller for a task, by name.

    Rules act at once (MPC and the optimum after ``attach(simulator)``); tuned rules and the linear policy are searched
    for by ``learn(steps)``; ``options`` go to the class of either (:mod:`entangrid.agents.ladder`, which also says what
    each of them knows). Learners are SB3 algorithms with default settings on ``n_envs`` copies of the task, untrained:
    call ``learn(steps)``. "quantum" is a quantum actor
    (DQN's Q-network), "quantum-critic" a quantum critic, "quantum-both" both;
    :func:`entangrid.agents.learners.make_learner` takes settings. DQN needs a task with ``action_set="discrete"``,
    SAC, TD3 and DDPG a continuous one. Raises InputError for an unknown name or a task that does not fit.
    """
    if name not in NAMES:
        raise InputError(f"controller {name!r} is unknown; expected one of: {', '.join(NAMES)}")
    if name in LEARNERS:
        if options:
            raise InputError(f"{name}: options {', '.join(options)} are not taken here; use make_learner or make_ppo")
        from entangrid.agents.algorithms import PPOSettings, QuantumSettings, make_ppo
        from entangrid.envs.sb3 import HomeVecEnv

        env = HomeVecEnv(task, n_envs, seed)
        if not name.startswith("ppo"):
            return learners.make_learner(name, env, seed=seed)
        if name == "ppo-mlp":
            return make_ppo(env, PPOSettings(), seed=seed, hidden=(64, 64))
        role = {"ppo-quantum-critic": "critic", "ppo-quantum-both": "both"}.get(name, "actor")
        learner = make_ppo(env, PPOSettings(), seed=seed, quantum=QuantumSettings({}, quantum=role))
        if name != "ppo-mlp-matched":
            return learner
        from entangrid.agents.networks import actor_parameters, matched_hidden

        n_in, n_out = env.observation_space.shape[0], learner.policy.action_net.out_features  # type: ignore[index]
        n_log_std = getattr(learner.policy, "log_std", ()).__len__()
        width = matched_hidden(n_in, n_out, actor_parameters(learner.policy), n_log_std)
        return make_ppo(env, PPOSettings(), seed=seed, hidden=(width,))
    from entangrid.agents import ladder

    if name in SEARCHED or (name in RULES and name.startswith("mpc")):
        options = {"seed": seed} | options
    return ladder.make(name, task, **options)


def __getattr__(name: str) -> Any:
    if name == "quantum":  # imported when it is used: it needs NumPy, and ``entangrid --help`` does not
        return import_module("entangrid.agents.quantum")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The ladder of controllers that are not learning algorithms: names, classes, and what each of them knows.

============  =========================================================================================================
information   what a controller sees
============  =========================================================================================================
observation   what every agent of the task is shown, and of each home its own parameters; nothing else
model         also the true state, the simulator's parameters, past values and what is published: tariff, carbon
forecast      also a forecast of what is to come
future        also everything that is to come
============  =========================================================================================================
"""

from __future__ import annotations

from typing import Any

from entangrid.agents.greedy import Greedy
from entangrid.agents.optimal.mpc import INFORMATION, MPC
from entangrid.agents.optimal.oracle import Optimum
from entangrid.agents.rule import Rule
from entangrid.agents.rules import NoControl, SelfConsumption
from entangrid.agents.search import LinearPolicy, Searched, TunedRule
from entangrid.agents.tariff_rules import Tariff
from entangrid.agents.thermostats import FixedThermostat, OccupancyThermostat, Preconditioning, ScheduledThermostat
from entangrid.data.errors import InputError
from entangrid.envs.tasks import Task

RULES: dict[str, type[Rule]] = {
    rule.name: rule
    for rule in (
        NoControl,
        FixedThermostat,
        ScheduledThermostat,
        OccupancyThermostat,
        Preconditioning,
        SelfConsumption,
        Tariff,
        Greedy,
    )
}


def make(name: str, task: Any, **options: Any) -> Rule | MPC | Optimum | Searched:
    """A controller of the ladder by name; ``options`` go to its class. Raises InputError for one that does not fit."""
    if not isinstance(task, Task):
        raise InputError(f"{name}: the task is a {type(task).__name__}; expected a task of homes")
    try:
        if name in RULES:
            return RULES[name](task, **options)
        if name.endswith("-tuned"):
            return TunedRule(task, RULES[name.removesuffix("-tuned")], **options)
        if name == "linear-cem":
            return LinearPolicy(task, **options)
        if name == "optimum":
            return Optimum(task, **options)
        return MPC(task, **({"forecast": name.removeprefix("mpc-")} if name != "mpc" else {}) | options)
    except TypeError as error:
        raise InputError(f"{name}: {error}") from None


def information(name: str) -> str:
    """What a controller of the ladder knows; every learning algorithm's is "observation"."""
    if name == "optimum":
        return "future"
    if name == "mpc" or name.startswith("mpc-"):
        return INFORMATION[name.removeprefix("mpc-") if name != "mpc" else "perfect"]
    return "observation"

"""A time-of-use rule for every device that can wait."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from entangrid.agents.controller import F, Physical
from entangrid.agents.rule import Range, Rule
from entangrid.agents.rules import battery_for, built_in

#: Hours that a vehicle's charging begins before the last moment.
SPARE_H = 1.0


class Tariff(Rule):
    """Buy while cheap, use the store while dear, take surplus PV in between.

    Where the price stands between the tariff's lowest (0) and highest (1) decides: up to ``cheap`` the battery charges
    with ``charge`` of its power until it is ``full``, the vehicle charges, the tank heats and appliances start; from
    ``dear`` on the battery covers what the home draws. In between the battery only takes surplus PV, and everything
    else waits: a vehicle until it must charge to be ready in time, a tank until it is ``reserve_k`` above its lowest
    useful temperature, an appliance until its deadline. Under a flat tariff it is the self-consumption rule. Rooms are
    held by their thermostats.

    **Information: the observation** (price, PV and load of the coming step, charge, temperatures), and the tariff's
    lowest and highest price.
    """

    name = "tariff"
    needs = ("battery", "vehicle", "tank", "appliance1", "appliance2")
    parameters: ClassVar[dict[str, Range]] = {
        "cheap": Range(0.1, 0.0, 0.5),
        "dear": Range(0.5, 0.1, 1.0),
        "charge": Range(0.5, 0.0, 1.0),
        "full": Range(0.8, 0.1, 1.0),
        "reserve_k": Range(3.0, 0.0, 15.0),
    }

    def commands(self, seen: Physical) -> dict[str, F]:
        """See :class:`~entangrid.agents.rule.Rule`."""
        task, v = self.task, self.values
        commands, p_hp = built_in(task, seen)
        place = task.observation_names.index("price_import")
        low, high = (ends[:, place] for ends in task.observation_ranges)
        prices = task.common["price_import"]
        if np.ptp(prices) < 1e-9:
            cheap, dear = np.zeros(p_hp.shape, np.bool_), np.ones(p_hp.shape, np.bool_)
        else:
            share = (seen["price_import"] - low) / (high - low)
            cheap = share <= v["cheap"] + 1e-6
            dear = (share >= v["dear"] - 1e-6) & ~cheap
        surplus = seen["p_pv"] - seen["p_load"] - p_hp
        take = np.where(dear, surplus, np.maximum(surplus, 0.0))
        buy = np.where(seen["soc"] < v["full"], v["charge"] * task.homes["battery_p"], 0.0)
        commands["battery"] = battery_for(task, np.where(cheap, np.maximum(buy, take), take))
        if "vehicle" in task.controls:
            commands["vehicle"] = np.where(cheap | self._must_charge(seen), 1.0, 0.0)
        if "tank" in task.controls:
            by_itself, low_c = commands["tank"], task.homes["dhw_t_min"] + v["reserve_k"]
            held = 2.0 * np.clip(low_c - seen["t_tank"], 0.0, 1.0) - 1.0
            commands["tank"] = np.where(cheap, by_itself, np.minimum(held, 1.0))
        for name in ("appliance1", "appliance2"):
            commands[name] = np.where(cheap, 1.0, -1.0)
        return commands

    def _must_charge(self, seen: Physical) -> npt.NDArray[np.bool_]:
        """Whether a vehicle would not be ready in time if it waited for another step."""
        homes = self.task.homes
        missing = np.maximum(homes["ev_soc_departure"] - seen["vehicle_soc"], 0.0) * homes["ev_e"]
        rate = np.maximum(homes["ev_p_charge"] * homes["ev_eta_c"], 1e-9)
        return np.asarray(seen["vehicle_leaves"] <= missing / rate + SPARE_H)

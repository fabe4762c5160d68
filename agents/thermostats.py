"""Rules for rooms: fixed, by the clock, by presence, and by the price. Every other device does as it does by itself."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from entangrid.agents.controller import F, Physical
from entangrid.agents.rule import Range, Rule, hour_of, within
from entangrid.agents.rules import built_in

_FIXED = {"lower_k": Range(0.0, -1.0, 3.0), "raise_k": Range(0.0, -3.0, 2.0)}
_AWAY = {"away_lower_k": Range(1.0, 0.0, 5.0), "away_raise_k": Range(1.0, 0.0, 6.0)}


class FixedThermostat(Rule):
    """Set points that never change: the homes' own, ``lower_k`` lower for heating and ``raise_k`` higher for cooling.

    **Information: the observation** (temperatures).
    """

    name = "thermostat-fixed"
    needs = ("heat_pump",)
    parameters: ClassVar[dict[str, Range]] = dict(_FIXED)

    def commands(self, seen: Physical) -> dict[str, F]:
        """See :class:`~entangrid.agents.rule.Rule`."""
        return built_in(self.task, seen, *self._set_points(seen))[0]

    def _set_points(self, seen: Physical) -> tuple[F, F]:
        """How far the heating set points are lowered and those of cooling raised (E, H) [K]."""
        at = np.ones_like(seen["t_air"])
        return self.values["lower_k"] * at, self.values["raise_k"] * at

    def _back(self, seen: Physical, away: npt.NDArray[np.bool_]) -> tuple[F, F]:
        """Fixed set points, further back where ``away`` (E, H) is True."""
        lower, higher = FixedThermostat._set_points(self, seen)
        return (
            lower + np.where(away, self.values["away_lower_k"], 0.0),
            higher + np.where(away, self.values["away_raise_k"], 0.0),
        )


class ScheduledThermostat(FixedThermostat):
    """Set back by the clock: at night from ``night_from_h`` to ``night_to_h`` (heating alone), and on working days from
    ``away_from_h`` to ``away_to_h``.

    **Information: the observation** (temperatures, hour, weekend); it does not know who is in.
    """

    name = "thermostat-scheduled"
    parameters: ClassVar[dict[str, Range]] = {
        **_FIXED,
        **_AWAY,
        "night_lower_k": Range(0.5, 0.0, 4.0),
        "night_from_h": Range(23.0, 19.0, 24.0),
        "night_to_h": Range(5.0, 2.0, 9.0),
        "away_from_h": Range(9.0, 6.0, 12.0),
        "away_to_h": Range(16.0, 12.0, 20.0),
    }

    def _set_points(self, seen: Physical) -> tuple[F, F]:
        hour, v = hour_of(seen), self.values
        working = (seen["weekend"] < 0.5) & within(hour, v["away_from_h"], v["away_to_h"])
        lower, higher = self._back(seen, working)
        night = within(hour, v["night_from_h"], v["night_to_h"])
        return np.maximum(lower, np.where(night, v["lower_k"] + v["night_lower_k"], lower)), higher


class OccupancyThermostat(FixedThermostat):
    """Set back while the seen occupancy, true or estimated, is below ``presence``.

    **Information: the observation** (temperatures, the task's estimate of occupancy).
    """

    name = "thermostat-occupancy"
    parameters: ClassVar[dict[str, Range]] = {**_FIXED, **_AWAY, "presence": Range(0.5, 0.05, 0.95)}

    def _set_points(self, seen: Physical) -> tuple[F, F]:
        return self._back(seen, seen["occupancy"] < self.values["presence"])


class Preconditioning(OccupancyThermostat):
    """Heats or cools ahead while electricity is cheap, and eases while it is dear; set back while nobody is in.

    Cheap: the price is below the mean of the next four hours by more than ``margin`` of it; dear: above by as much.
    ``ahead_k``: how far set points go beyond while cheap, ``ease_k``: how far they relax while dear [K].
    **Information: the observation** (temperatures, occupancy estimate, price now and its mean ahead).
    """

    name = "preconditioning"
    parameters: ClassVar[dict[str, Range]] = {
        **OccupancyThermostat.parameters,
        "margin": Range(0.1, 0.0, 1.0),
        "ahead_k": Range(1.0, 0.0, 4.0),
        "ease_k": Range(0.5, 0.0, 3.0),
    }

    def _set_points(self, seen: Physical) -> tuple[F, F]:
        lower, higher = super()._set_points(seen)
        now, ahead, margin = seen["price_import"], seen["price_ahead"], self.values["margin"]
        band = margin * np.abs(ahead) + 1e-9
        shift = np.where(now < ahead - band, -self.values["ahead_k"], 0.0)
        shift = np.where(now > ahead + band, self.values["ease_k"], shift)
        return lower + shift, higher + shift

"""Heat-pump models: hplib's planes over source, sink and outdoor temperature, when2heat's quadratics in their lift.

hplib: T. Tjaden, H. Hoops, K. Rösken, *hplib: heat pump library*, DOI 10.5281/zenodo.5521597, fits to the European
Heat Pump Keymark; the bundled file's own SOURCE.md says more. when2heat: O. Ruhnau, L. Hirth, A. Praktiknjo, *Time
series of heat demand and heat pump efficiency for energy system modeling*, Scientific Data 6:189 (2019),
DOI 10.1038/s41597-019-0199-y; its coefficients are those of input/cop/cop_parameters.csv of its repository.
"""

from typing import NamedTuple

import numpy as np

from entangrid.data.errors import InputError
from entangrid.data.sources.bundled_files import bundled_csv

GROUPS = {
    1: "outdoor air/water, regulated",
    2: "brine/water, regulated",
    4: "outdoor air/water, on-off",
    5: "brine/water, on-off",
    6: "water/water, on-off",
}

Plane = tuple[float, float, float, float]

#: when2heat's COP by source: q0 + q1 dT + q2 dT² with dT = sink - source [K], at least 15 K
WHEN2HEAT: dict[str, tuple[float, float, float]] = {
    "air": (6.08, -0.0941, 0.000464),
    "ground": (10.29, -0.2084, 0.001322),
    "water": (9.99, -0.2049, 0.001249),
}
#: what the quadratics, fitted to manufacturers' values, are multiplied with for conditions in the field
WHEN2HEAT_FACTOR = 0.85
#: temperature of groundwater as a source there [°C]: 10 °C less 5 K at the heat exchanger (soil: less 5 K too)
WHEN2HEAT_GROUNDWATER_C = 5.0


class HeatPumpFit(NamedTuple):
    """Coefficients p1 to p4 of ``p1 t_source + p2 t_sink + p3 + p4 t_ambient`` (temperatures [°C]).

    cop: of the COP [-]. pth: of the heat output, as a share [-] of that at the reference point (source -7 °C for air,
    sink 52 °C). eer, pdc: of the cooling efficiency [-] and of the cooling output as a share [-] of that at 35 °C
    outdoors and 7 °C supply; None for groups without cooling.

    The fits of regulated pumps (groups 1 and 2) follow EN 14825's part-load points, so that pth and pdc are the output
    at the load of that temperature rather than the most that the pump can give: pdc of group 1 falls from 0.96 at 35 °C
    to 0.34 at 20 °C (supply 18 °C).
    """

    cop: Plane
    pth: Plane
    eer: Plane | None = None
    pdc: Plane | None = None

    def cop_at(self, t_out_c: float, t_sink_c: float) -> float:
        """COP [-] of an air/water pump: the source is the outdoor air."""
        return _plane(self.cop, t_out_c, t_sink_c)

    def heat_share_at(self, t_out_c: float, t_sink_c: float) -> float:
        """Heat output over reference output [-] of an air/water pump."""
        return max(_plane(self.pth, t_out_c, t_sink_c), 0.0)

    def eer_at(self, t_out_c: float, t_sink_c: float) -> float:
        """EER [-] of an air/water pump that cools; raises ``InputError`` for a group without cooling."""
        return _plane(self._cooling(self.eer), t_out_c, t_sink_c)

    def cold_share_at(self, t_out_c: float, t_sink_c: float) -> float:
        """Cooling output over reference output [-]; raises ``InputError`` for a group without cooling."""
        return max(_plane(self._cooling(self.pdc), t_out_c, t_sink_c), 0.0)

    @staticmethod
    def _cooling(plane: Plane | None) -> Plane:
        if plane is None:
            raise InputError("heat pump: its group has no fit for cooling, expected group 1")
        return plane


def _plane(p: Plane, t_out_c: float, t_sink_c: float) -> float:
    return p[0] * t_out_c + p[1] * t_sink_c + p[2] + p[3] * t_out_c


def hplib_generic(group: int) -> HeatPumpFit:
    """Return the average fit of one of hplib's groups of heat pumps (:data:`GROUPS`).

    Raises ``InputError`` for a group without one (3, water/water regulated, has a single model and no fit).
    """
    if group not in GROUPS:
        known = ", ".join(f"{number} ({text})" for number, text in GROUPS.items())
        raise InputError(f"heat-pump group {group!r}: hplib has no generic fit, expected one of {known}")
    table = bundled_csv("hplib/hplib_database.csv")
    row = table[(table["Model"] == "Generic") & (table["Group"] == group)].iloc[0]

    def fit(quantity: str) -> Plane:
        p1, p2, p3, p4 = (
            float(row[f"p{i}_{quantity} [{'-' if i == 3 or quantity in ('COP', 'EER') else '1/°C'}]"])
            for i in (1, 2, 3, 4)
        )
        return p1, p2, p3, p4

    cools = bool(np.isfinite([*fit("EER"), *fit("Pdc")]).all())
    return HeatPumpFit(fit("COP"), fit("P_th"), fit("EER") if cools else None, fit("Pdc") if cools else None)

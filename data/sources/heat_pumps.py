"""Heat-pump fits of hplib: heat output and COP as planes over source, sink and outdoor temperature.

Source: T. Tjaden, H. Hoops, K. Rösken, *hplib: heat pump library*, DOI 10.5281/zenodo.5521597, fits to the European
Heat Pump Keymark; the bundled file's own SOURCE.md says more.
"""

from typing import NamedTuple

from entangrid.data.errors import InputError
from entangrid.data.sources.bundled_files import bundled_csv

GROUPS = {
    1: "outdoor air/water, regulated",
    2: "brine/water, regulated",
    4: "outdoor air/water, on-off",
    5: "brine/water, on-off",
    6: "water/water, on-off",
}


class HeatPumpFit(NamedTuple):
    """Coefficients p1 to p4 of ``p1 t_source + p2 t_sink + p3 + p4 t_ambient`` (temperatures [°C]).

    cop: of the COP [-]. pth: of the heat output, as a share [-] of that at the reference point (source -7 °C for air,
    sink 52 °C).
    """

    cop: tuple[float, float, float, float]
    pth: tuple[float, float, float, float]

    def cop_at(self, t_out_c: float, t_sink_c: float) -> float:
        """COP [-] of an air/water pump: the source is the outdoor air."""
        return _plane(self.cop, t_out_c, t_sink_c)

    def heat_share_at(self, t_out_c: float, t_sink_c: float) -> float:
        """Heat output over reference output [-] of an air/water pump."""
        return max(_plane(self.pth, t_out_c, t_sink_c), 0.0)


def _plane(p: tuple[float, float, float, float], t_out_c: float, t_sink_c: float) -> float:
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

    def fit(quantity: str) -> tuple[float, float, float, float]:
        p1, p2, p3, p4 = (
            float(row[f"p{i}_{quantity} [{'-' if i == 3 or quantity == 'COP' else '1/°C'}]"]) for i in (1, 2, 3, 4)
        )
        return p1, p2, p3, p4

    return HeatPumpFit(cop=fit("COP"), pth=fit("P_th"))

"""A transformer's table row as the two edges and the shunt of a T circuit, referred to its low-voltage side."""

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np

from entangrid.data.errors import InputError
from entangrid.envs.feeder_tables import Table, names

_IDENTITY = (
    "sn_mva", "vn_hv_kv", "vn_lv_kv", "vk_percent", "vkr_percent", "pfe_kw", "i0_percent", "df", "shift_degree",
    "tap_side", "tap_pos", "tap_neutral", "tap_step_percent", "tap_step_degree", "tap_changer_type",
    "tap_phase_shifter", "tap_dependency_table", "tap2_side", "tap2_pos", "tap2_neutral", "tap2_step_percent",
    "tap2_step_degree", "tap2_changer_type", "tap2_phase_shifter", "tap2_dependency_table",
    "leakage_resistance_ratio_hv", "leakage_reactance_ratio_hv",
)  # fmt: skip


class Transformer(NamedTuple):
    """What the feeder needs of its transformer; pu and kW as in :mod:`entangrid.envs.kernels.distflow`."""

    hv_bus: Hashable
    lv_bus: Hashable
    sn_kva: float  # rated power of all parallel units together, derated
    r_hv: float  # series impedance between the high-voltage bus and the star point [pu²/kW]
    x_hv: float
    r_lv: float  # and between the star point and the low-voltage bus
    x_lv: float
    g: float  # iron loss at 1 pu [kW/pu²]
    b: float  # magnetising branch, inductive: b <= 0 [kvar/pu²]
    ratio: float  # high-voltage pu per low-voltage pu at no load, taps included
    hv_percent: float  # share of the rated current [%] per current [kW/pu] on either side
    lv_percent: float
    loss_ratio: float  # rated copper loss over iron loss; infinite without iron loss


def _tapped(trafo: Table, prefix: str, vn_hv: float, vn_lv: float) -> tuple[float, float]:
    """Rated voltages [kV] at the tap position: U = |U_n (1 + (pos - neutral) step e^{j angle})| on the tap's side.

    An empty changer type means, as in pandapower 3, no effect; without that column (SimBench tables) it is a ratio
    changer. An ideal phase shifter turns the angle only, which no magnitude feels.
    """
    side = trafo.cell(0, f"{prefix}_side")
    position = trafo.cell(0, f"{prefix}_pos")
    if side is None or position is None:
        return vn_hv, vn_lv
    if side not in ("hv", "lv"):
        raise trafo.fail(0, f"{prefix}_side", "'hv', 'lv' or nothing")
    if trafo.cell(0, f"{prefix}_dependency_table"):
        raise trafo.fail(0, f"{prefix}_dependency_table", "False: tables of tap positions are not supported")
    kind_column = f"{prefix}_changer_type"
    if kind_column in trafo.frame.columns:
        kind = trafo.cell(0, kind_column)
        if kind not in (None, "", "Ratio", "Symmetrical", "Ideal"):
            raise trafo.fail(0, kind_column, "'Ratio', 'Symmetrical', 'Ideal' or nothing")
        if kind in (None, "", "Ideal"):
            return vn_hv, vn_lv
    elif trafo.cell(0, f"{prefix}_phase_shifter"):
        return vn_hv, vn_lv
    offset = trafo.numbers(f"{prefix}_pos")[0] - trafo.numbers(f"{prefix}_neutral")[0]
    step = trafo.numbers(f"{prefix}_step_percent", default=0.0 if offset == 0.0 else None)[0] / 100.0
    angle = np.deg2rad(trafo.numbers(f"{prefix}_step_degree", default=0.0)[0])
    factor = float(abs(1.0 + offset * step * np.exp(1j * angle)))
    if factor < 0.5:
        raise trafo.fail(
            0, f"{prefix}_pos", f"a tap that leaves at least half the rated voltage, not {factor:.2f} of it"
        )
    return (vn_hv * factor, vn_lv) if side == "hv" else (vn_hv, vn_lv * factor)


def _single_row(trafo: Table) -> tuple[Table, float]:
    """The one transformer and its number of units; equal rows between the same buses count as parallel units."""
    trafo = trafo.rows(trafo.in_service())
    if len(trafo) == 0:
        raise InputError("trafo: no transformer in service, expected one")
    units = trafo.numbers("parallel", default=1.0, lowest=1.0)
    ends = set(zip(trafo.references("hv_bus"), trafo.references("lv_bus"), strict=True))
    if len(ends) > 1:
        raise InputError(
            f"trafo {names(trafo.labels)}: {len(trafo)} transformers between different buses, expected one transformer"
        )
    for column in _IDENTITY:
        if len({trafo.cell(row, column) for row in range(len(trafo))}) > 1:
            raise InputError(
                f"trafo {names(trafo.labels)}: parallel transformers differ in {column}, expected equal units"
            )
    first = np.arange(len(trafo)) == 0
    return trafo.rows(first), float(units.sum())


def read_transformer(table: Table, vn_hv_bus: float | None, vn_lv_bus: dict[Hashable, float]) -> Transformer:
    """The transformer as a T circuit in the base of its low-voltage bus, with the definitions of pandapower.

    ``vn_hv_bus`` [kV] is the nominal voltage of the high-voltage bus (None: the transformer's own), ``vn_lv_bus`` maps
    buses to theirs. z = vk U²/S, r = vkr U²/S with U the tapped low-voltage rating; iron loss pfe and magnetising power
    √((i0 S)² - pfe²) at U, at the star point. L. Thurner and others, IEEE Trans. Power Systems 33(6) 6510-6521 (2018),
    doi:10.1109/TPWRS.2018.2829021.
    """
    trafo, units = _single_row(table)
    hv_bus, lv_bus = trafo.references("hv_bus")[0], trafo.references("lv_bus")[0]
    if lv_bus not in vn_lv_bus:
        raise trafo.fail(0, "lv_bus", "a bus of the bus table")
    if hv_bus == lv_bus:
        raise trafo.fail(0, "hv_bus", "a bus other than lv_bus")
    sn = trafo.numbers("sn_mva", lowest=0.0, above=True)[0]
    vn_hv = trafo.numbers("vn_hv_kv", lowest=0.0, above=True)[0]
    vn_lv = trafo.numbers("vn_lv_kv", lowest=0.0, above=True)[0]
    vk = trafo.numbers("vk_percent", lowest=0.0)[0]
    vkr = trafo.numbers("vkr_percent", lowest=0.0)[0]
    if vkr > vk:
        raise trafo.fail(0, "vkr_percent", f"at most vk_percent = {vk:g}")
    pfe = trafo.numbers("pfe_kw", lowest=0.0)[0]
    i0 = trafo.numbers("i0_percent", lowest=0.0)[0]
    derating = trafo.numbers("df", default=1.0, lowest=0.0, above=True)[0]
    r_share, x_share = (
        trafo.numbers(f"leakage_{part}_ratio_hv", default=0.5, lowest=0.0)[0] for part in ("resistance", "reactance")
    )
    if max(r_share, x_share) > 1.0:
        raise InputError(f"trafo {trafo.labels[0]}: leakage ratios {r_share:g}, {x_share:g}, expected 0 to 1")
    tap_hv, tap_lv = _tapped(trafo, "tap", vn_hv, vn_lv)
    tap_hv, tap_lv = _tapped(trafo, "tap2", tap_hv, tap_lv)
    base_hv, base_lv = vn_hv_bus or vn_hv, vn_lv_bus[lv_bus]
    per_kw = (tap_lv / base_lv) ** 2 / (1000.0 * sn * units)
    r = vkr / 100.0 * per_kw
    x = float(np.sqrt(vk**2 - vkr**2)) / 100.0 * per_kw
    shunt = units * (base_lv / tap_lv) ** 2
    magnetising = float(np.sqrt(max((i0 / 100.0 * sn * 1000.0) ** 2 - pfe**2, 0.0)))
    ratio = (tap_hv / tap_lv) * (base_lv / base_hv)
    rated = 1000.0 * sn * units * derating
    return Transformer(
        hv_bus=hv_bus,
        lv_bus=lv_bus,
        sn_kva=rated,
        r_hv=r * r_share,
        x_hv=x * x_share,
        r_lv=r * (1.0 - r_share),
        x_lv=x * (1.0 - x_share),
        g=pfe * shunt,
        b=-magnetising * shunt,
        ratio=ratio,
        hv_percent=100.0 * vn_hv / (base_hv * ratio * rated),
        lv_percent=100.0 * vn_lv / (base_lv * rated),
        loss_ratio=vkr / 100.0 * sn * 1000.0 / pfe if pfe > 0.0 else float("inf"),
    )

"""Homes by era, size and mass class: thermal columns of ``Scenario.homes`` from public U-values, areas and air change.

The numbers are the project's own, rounded, and derived below from a box for the geometry, the heat-insulation rules
of the time for U-values, TABULA's air change rates and ISO 13790's mass classes. They stand for typical homes of
central Europe, not for any one building.

Sources: ISO 13790:2008 (5R1C: 7.2.2, annex C; mass classes: table 12); heat-insulation ordinances WSchVO 1977, 1982,
1995 and EnEV 2002, 2009 (highest U-values, reference building); Passive House Institute, criteria; TABULA, final
report 2012 (building-typology.eu); ISO 52016-1:2017, table B.17 (air and furniture).
"""

from typing import Literal, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from entangrid.data.errors import InputError

T = TypeVar("T")
Era = Literal["before 1979", "1979-1994", "1995-2009", "2010-2020", "passive"]
Size = Literal["apartment", "terraced", "detached"]
MassClass = Literal["very light", "light", "medium", "heavy", "very heavy"]


class Envelope(NamedTuple):
    """What an era built: U-values [W/(m² K)], air change [1/h]."""

    wall: float
    roof: float
    floor: float
    window: float
    thermal_bridges: float  # added to every U-value
    infiltration: float
    ventilation: float  # net of heat recovery


#: Ventilation by use 0.4 1/h and infiltration 0.4 (leaky) to 0.05 1/h (minimal): TABULA. Thermal bridges 0.10, or 0.05
#: where the rules asked for care (EnEV): DIN V 4108-6.
ERAS: dict[str, Envelope] = {
    # DIN 4108 of 1952 and 1969 allowed 1.56 for walls; TABULA's typical houses of 1958 to 1978 have 1.0 to 1.2. Their
    # single panes are gone: double glazing.
    "before 1979": Envelope(1.2, 0.8, 1.0, 2.8, 0.10, 0.4, 0.4),
    # WSchVO 1982: 0.60, 0.45, 0.70, 3.1.
    "1979-1994": Envelope(0.60, 0.45, 0.70, 3.1, 0.10, 0.2, 0.4),
    # Between WSchVO 1995 (0.50, 0.30, 0.50, 1.8) and EnEV 2002 (0.45, 0.30, 0.40, 1.4).
    "1995-2009": Envelope(0.45, 0.30, 0.45, 1.6, 0.05, 0.1, 0.4),
    # Reference building of EnEV 2009.
    "2010-2020": Envelope(0.28, 0.20, 0.35, 1.3, 0.05, 0.1, 0.4),
    # At most 0.15 and 0.80, no thermal bridges; exhaust heat recovery of 80 %.
    "passive": Envelope(0.13, 0.10, 0.15, 0.80, 0.0, 0.05, 0.08),
}


class Shape(NamedTuple):
    """A box: floor area [m²], storeys, width of the street front [m], and which faces touch neighbours."""

    floor_area: float
    storeys: int
    front: float
    free_sides: float  # of the two side walls, how many face the outdoors
    roof_share: float  # of the footprint
    ground_share: float


#: An apartment is the mean one of a three-storey house with a neighbour on each side.
SIZES: dict[str, Shape] = {
    "apartment": Shape(70.0, 1, 9.0, 0.5, 1.0 / 3.0, 1.0 / 3.0),
    "terraced": Shape(110.0, 2, 6.0, 0.0, 1.0, 1.0),
    "detached": Shape(140.0, 2, 9.0, 2.0, 1.0, 1.0),
}


class Mass(NamedTuple):
    """ISO 13790:2008, table 12: heat capacity [kJ/(m² K)] and effective mass area [-], per floor area."""

    capacity: float
    area: float


MASS_CLASSES: dict[str, Mass] = {
    "very light": Mass(80.0, 2.5),
    "light": Mass(110.0, 2.5),
    "medium": Mass(165.0, 2.5),
    "heavy": Mass(260.0, 3.0),
    "very heavy": Mass(370.0, 3.5),
}

STOREY_M = 2.8  # floor to floor
ROOM_M = 2.5  # clear height: volume of air
WINDOW_SHARE = 0.2  # window area over floor area: daylight rules ask for at least 1/8
GROUND = 0.5  # of the outdoor temperature difference: DIN V 4108-6 and TABULA
AIR_WH = 0.34  # heat capacity of air [Wh/(m³ K)]
FURNITURE_KJ = 10.0  # air and furniture per floor area [kJ/(m² K)]: ISO 52016-1
H_IS, H_MS, SURFACES = 3.45, 9.1, 4.5  # [W/(m² K)], [W/(m² K)], surface over floor area: ISO 13790, 7.2.2
INNER_WALL_U = 2.0  # partition of plaster or thin masonry [W/(m² K)]
DOOR_M3_H = 50.0  # air through a door that stands open for part of the day

#: Floor area of zones as shares of the home, for 1 to 4 zones: living, bedrooms, second bedroom, bath and hall.
ZONE_AREAS: dict[int, tuple[float, ...]] = {
    1: (1.0,),
    2: (0.6, 0.4),
    3: (0.5, 0.3, 0.2),
    4: (0.4, 0.25, 0.2, 0.15),
}
SLEEPING = (1, 2)  # zones that count at night
BEDROOM_C = {"t_set_c": 19.0, "comfort_low_c": 18.0, "comfort_high_c": 24.0}


def iso13790_5r1c(
    h_tr_em: float, h_tr_w: float, h_ve: float, a_m: float, a_t: float, c_m: float, *, h_is: float = H_IS
) -> dict[str, float]:
    """Columns of ISO 13790's 5R1C: air and surface without capacity, one mass.

    h_tr_em: mass to outdoors, h_tr_w: windows, h_ve: ventilation [W/K]; a_m: effective mass area, a_t: area of all
    surfaces [m²]; c_m: heat capacity [kWh/K]; h_is: air to surface [W/(m² K)]. Of solar gains and half of the internal
    gains (both go to ``gains_mass_kw``; the other half of the internal to ``gains_air_kw``) a_m/a_t reaches the mass,
    h_tr_w/(9.1 a_t) is lost through the windows, and the surface takes the rest.

    Raises InputError for a value that is not above 0, a_m above a_t, or windows that would take more than is left.
    Source: ISO 13790:2008, 7.2.2 and annex C.
    """
    given = {"h_tr_em": h_tr_em, "h_tr_w": h_tr_w, "h_ve": h_ve, "a_m": a_m, "a_t": a_t, "c_m": c_m, "h_is": h_is}
    for name, value in given.items():
        if not (0.0 < value < np.inf or (value == 0.0 and name in ("h_tr_w", "h_ve", "h_tr_em"))):
            raise InputError(f"iso13790_5r1c: {name} is {value:g}; expected a number above 0")
    to_surface = 1.0 - a_m / a_t - h_tr_w / (H_MS * a_t)
    if to_surface < 0.0:
        raise InputError(f"iso13790_5r1c: a_m is {a_m:g} of a_t {a_t:g}; expected a_m + h_tr_w / 9.1 of at most a_t")
    return {
        "c_air_kwh_k": 0.0,
        "c_mass_kwh_k": c_m,
        "ua_air_out_w_k": h_ve,
        "ua_mass_out_w_k": h_tr_em,
        "ua_air_mass_w_k": 0.0,
        "ua_air_surface_w_k": h_is * a_t,
        "ua_surface_mass_w_k": H_MS * a_m,
        "ua_surface_out_w_k": h_tr_w,
        "mass_to_mass": a_m / a_t,
        "mass_to_surface": to_surface,
    }


def two_nodes(columns: dict[str, float], c_air: float) -> dict[str, float]:
    """The same zone with air and mass alone: the surface node dissolved, and a capacity given to the air.

    A node without capacity between three others is a star; the triangle with g_i g_j / (g_1 + g_2 + g_3) between any
    two of them is the same network. The heat meant for the surface goes to the mass here, less what leaves by the
    windows. columns: as by :func:`iso13790_5r1c`; c_air: capacity of air and furniture, taken off the mass [kWh/K].
    """
    air, mass, out = (columns[f"ua_{name}_w_k"] for name in ("air_surface", "surface_mass", "surface_out"))
    total = air + mass + out
    return {
        "c_air_kwh_k": c_air,
        "c_mass_kwh_k": columns["c_mass_kwh_k"] - c_air,
        "ua_air_out_w_k": columns["ua_air_out_w_k"] + air * out / total,
        "ua_mass_out_w_k": columns["ua_mass_out_w_k"] + mass * out / total,
        "ua_air_mass_w_k": columns["ua_air_mass_w_k"] + air * mass / total,
        "mass_to_mass": columns["mass_to_mass"] + columns["mass_to_surface"] * (1.0 - out / total),
        "mass_to_surface": 0.0,
    }


def losses_w_k(era: str, size: str) -> dict[str, float]:
    """Steady losses of a home [W/K]: ``opaque`` (walls, roof, floor), ``windows``, ``ventilation``.

    Raises InputError for an unknown era or size.
    """
    envelope, shape = _pick("era", era, ERAS), _pick("size", size, SIZES)
    footprint = shape.floor_area / shape.storeys
    depth = footprint / shape.front
    facade = (2.0 * shape.front + shape.free_sides * depth) * STOREY_M * shape.storeys
    windows = WINDOW_SHARE * shape.floor_area
    opaque = (
        (facade - windows) * (envelope.wall + envelope.thermal_bridges)
        + footprint * shape.roof_share * (envelope.roof + envelope.thermal_bridges)
        + footprint * shape.ground_share * (envelope.floor + envelope.thermal_bridges) * GROUND
    )
    changes = envelope.infiltration + envelope.ventilation
    return {
        "opaque": opaque,
        "windows": windows * (envelope.window + envelope.thermal_bridges),
        "ventilation": AIR_WH * changes * shape.floor_area * ROOM_M,
    }


def archetype(
    era: Era,
    size: Size = "detached",
    mass_class: MassClass = "medium",
    *,
    model: Literal["2r2c", "5r1c"] = "2r2c",
    zones: int = 1,
    name: str | None = None,
) -> pd.DataFrame:
    """One home as a row of thermal columns of ``Scenario.homes`` (join devices to it).

    era: "before 1979", "1979-1994", "1995-2009", "2010-2020" or "passive"; size: "apartment" (70 m²), "terraced"
    (110 m²) or "detached" (140 m²); mass_class: "very light" to "very heavy" (ISO 13790, table 12); model: "5r1c"
    (ISO 13790, no capacity in the air) or "2r2c" (air and mass); zones: 1 to 4, of which the first is the living room
    and counts by day, bedrooms count at night. name: index of the row. Conductances are rounded to 0.1 W/K.

    Raises InputError for an unknown name or number of zones.
    """
    mass, shape = _pick("mass_class", mass_class, MASS_CLASSES), _pick("size", size, SIZES)
    loss = losses_w_k(era, size)
    if model not in ("2r2c", "5r1c"):
        raise InputError(f"archetype: model is {model!r}; expected '2r2c' or '5r1c'")
    if zones not in ZONE_AREAS:
        raise InputError(f"archetype: zones is {zones!r}; expected 1 to 4")
    a_m = mass.area * shape.floor_area
    h_em = 1.0 / (1.0 / loss["opaque"] - 1.0 / (H_MS * a_m))
    capacity = mass.capacity * shape.floor_area / 3_600.0
    whole = iso13790_5r1c(h_em, loss["windows"], loss["ventilation"], a_m, SURFACES * shape.floor_area, capacity)
    if model == "2r2c":
        whole = two_nodes(whole, FURNITURE_KJ * shape.floor_area / 3_600.0)
    row: dict[str, float] = {}
    for z, share in enumerate(ZONE_AREAS[zones]):
        prefix = "" if z == 0 else f"zone{z + 1}_"
        for column, value in whole.items():
            if column.startswith("ua_"):
                row[prefix + column] = round(value * share, 1)
            else:
                row[prefix + column] = round(value * (share if column.startswith("c_") else 1.0), 3)
        if zones > 1:
            row |= {f"{prefix}{which}_share": share for which in ("gain", "emitter")}
            row |= {f"{prefix}{which}_share": by for which, by in _comfort_shares(z, zones).items()}
            if z in SLEEPING:
                row |= {prefix + column: value for column, value in BEDROOM_C.items()}
        if z > 0:
            row[f"ua_zone1_zone{z + 1}_w_k"] = round(_between_zones(shape.floor_area * share), 1)
    return pd.DataFrame([row], index=[name or f"{size}, {era}, {mass_class}"])


def design_load_kw(era: Era, size: Size = "detached", *, t_out_c: float = -12.0, t_in_c: float = 20.0) -> float:
    """Heat that a home loses in the steady state without gains [kW]; sizes a heat pump.

    Source: EN 12831-1:2017 without the heating-up surcharge. Raises InputError for an unknown era or size.
    """
    return sum(losses_w_k(era, size).values()) * (t_in_c - t_out_c) / 1_000.0


def _comfort_shares(z: int, zones: int) -> dict[str, float]:
    """How much a zone's comfort counts by day and at night; both add up to 1 over a home's zones."""
    sleeping = [s for s in SLEEPING if s < zones]
    return {"day": float(z == 0), "night": float(z in sleeping) / len(sleeping)}


def _between_zones(floor_area: float) -> float:
    """Air to air between the living room and a zone of that floor area [W/K]: a partition and a door."""
    return INNER_WALL_U * ROOM_M * float(np.sqrt(floor_area)) + AIR_WH * DOOR_M3_H


def _pick(argument: str, key: str, table: dict[str, T]) -> T:
    if key not in table:
        raise InputError(f"archetype: {argument} is {key!r}; expected one of {', '.join(table)}")
    return table[key]

"""One envelope in several zones: a home's parameter row, split by floor area, doors and walls between the rooms."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from entangrid.data.errors import InputError

#: Columns of zone 1 that are in proportion to the floor; a split home's zones get their share of each.
EXTENSIVE = ("c_air_kwh_k", "c_mass_kwh_k", "ua_air_out_w_k", "ua_mass_out_w_k", "ua_air_mass_w_k")
#: Air to air between neighbouring rooms [W/K]: 20 m² of inner wall at 2 W/(m²K) and a door that stands open half of the
#: time, through which about 100 m³/h go to and fro at 0.34 Wh/(m³K); rounded.
UA_BETWEEN_W_K = 75.0


class Zone(NamedTuple):
    """A zone's share of the floor, whose comfort counts there by day (7 to 22 h) and by night, and its warmth."""

    floor: float
    day_share: float
    night_share: float
    set_k: float = 0.0  # set point and lower end of the comfort band above those of the home


#: Living and sleeping: six tenths of the floor and four, the latter 2 K cooler.
TWO = (Zone(0.6, 0.9, 0.1), Zone(0.4, 0.1, 0.9, -2.0))
#: Living, sleeping, and a study or children's room.
THREE = (Zone(0.45, 0.7, 0.0), Zone(0.3, 0.05, 0.7, -2.0), Zone(0.25, 0.25, 0.3))


def split(row: Mapping[str, float], zones: Sequence[Zone], *, between_w_k: float = UA_BETWEEN_W_K) -> dict[str, float]:
    """Return the parameter row of a home whose envelope is split into ``zones`` (1 to 4, every one next to zone 1).

    The sums over zones of capacities and conductances are those of ``row``; heat gains and the heat pump's output are
    shared like the floor. Raises ``InputError`` for shares of the floor that do not add up to 1.
    """
    if not 1 <= len(zones) <= 4 or abs(sum(zone.floor for zone in zones) - 1.0) > 1e-9:
        raise InputError(
            f"zones: shares of the floor are {[zone.floor for zone in zones]}, expected 1 to 4 that add up to 1"
        )
    out = dict(row)
    for z, zone in enumerate(zones, start=1):
        prefix = "" if z == 1 else f"zone{z}_"
        for column in EXTENSIVE:
            out[prefix + column] = row[column] * zone.floor
        for column in ("t_set_c", "comfort_low_c"):
            out[prefix + column] = row[column] + zone.set_k
        out[f"{prefix}comfort_high_c"] = row["comfort_high_c"]
        out |= {f"{prefix}gain_share": zone.floor, f"{prefix}emitter_share": zone.floor}
        out |= {f"{prefix}day_share": zone.day_share, f"{prefix}night_share": zone.night_share}
        if z > 1:
            out[f"ua_zone1_zone{z}_w_k"] = between_w_k
    return out

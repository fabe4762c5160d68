"""What the generator's homes may have beyond the plain ones, as arguments and as text."""

from collections.abc import Callable
from dataclasses import dataclass, fields

from entangrid.data.checks import did_you_mean
from entangrid.data.errors import InputError

TARIFFS = ("tou", "flat", "dynamic", "block", "demand")
CARBON = ("flat", "hourly")
SHARES = ("tanks", "vehicles", "v2h", "appliances", "cooling")


@dataclass(frozen=True)
class Extras:
    """The generator's options. Shares are from 0 to 1; a home that has a part has it at any larger share as well.

    tanks: hot-water tanks, heated by the heat pump in eight of ten. vehicles: one vehicle; v2h: share of the vehicles
    that may give energy back to the home. appliances: washing machine and dishwasher that may wait. cooling: heat pumps
    that cool. zones: 1 to 3 a home. ageing: batteries age instead of a price per kWh. curtailable: PV may be curtailed.
    outages: of the grid, mean number a year, of all homes at a time; batteries carry their homes. tariff, carbon: one
    of :data:`TARIFFS`, :data:`CARBON`. meter_occupancy: what agents may see of the occupancy is inferred from the load.
    """

    tanks: float = 0.0
    vehicles: float = 0.0
    v2h: float = 0.0
    appliances: float = 0.0
    cooling: float = 0.0
    zones: int = 1
    ageing: bool = False
    curtailable: bool = False
    outages: float = 0.0
    tariff: str = "tou"
    carbon: str = "flat"
    meter_occupancy: bool = False

    def __post_init__(self) -> None:
        """Raises ``InputError`` naming the option that is out of range."""
        for name in SHARES:
            share = getattr(self, name)
            if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0.0 <= share <= 1.0:
                raise InputError(f"synthetic: {name} is {share!r}, expected a share of the homes from 0 to 1")
        if isinstance(self.outages, bool) or not isinstance(self.outages, (int, float)) or not 0 <= self.outages <= 365:
            raise InputError(f"synthetic: outages is {self.outages!r}, expected a number a year from 0 to 365")
        if isinstance(self.zones, bool) or self.zones not in (1, 2, 3):
            raise InputError(f"synthetic: zones is {self.zones!r}, expected 1, 2 or 3")
        for name, known in (("tariff", TARIFFS), ("carbon", CARBON)):
            value = getattr(self, name)
            if value not in known:
                hint = did_you_mean(str(value), known)
                raise InputError(f"synthetic: {name} is {value!r}{hint}, expected {', '.join(known)}")
        for name in ("ageing", "curtailable", "meter_occupancy"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"synthetic: {name} is {getattr(self, name)!r}, expected True or False")

    def text(self) -> str:
        """Return what differs from the defaults, as in ``,vehicles=0.5,tariff=dynamic``."""
        out = ""
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                shown = value if isinstance(value, str) else repr(float(value)).removesuffix(".0")
                out += f",{field.name}={shown}"
        return out


def _flag(text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in known:
        raise ValueError(text)
    return known[text.lower()]


_READ: dict[object, Callable[[str], object]] = {float: float, int: int, bool: _flag, str: str}
#: How each argument is read from text.
TYPES: dict[str, Callable[[str], object]] = {
    **{"homes": int, "days": int, "seed": int, "dt_h": float, "start": str, "climate": str},
    **{field.name: _READ[field.type] for field in fields(Extras)},
}


def read_text(text: str) -> dict[str, object]:
    """Return the arguments in "homes=26,days=92,seed=0"; raises ``InputError`` by argument."""
    given: dict[str, object] = {}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        if key not in TYPES:
            hint = did_you_mean(key, TYPES)
            raise InputError(f"synthetic:{text}: argument {key!r} is unknown{hint}; expected {', '.join(TYPES)}")
        if key in given:
            raise InputError(f"synthetic:{text}: argument {key!r} is there twice")
        try:
            given[key] = TYPES[key](value)
        except ValueError:
            expected = "0 or 1" if TYPES[key] is _flag else "a number"
            raise InputError(f"synthetic:{text}: {key} is {value!r}, expected {expected}") from None
    return given

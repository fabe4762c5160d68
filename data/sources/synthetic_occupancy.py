"""Who is at home and awake: one Markov chain a person, with rates that depend on the wall clock and the kind of day.

States: away, awake (at home), asleep (at home). A person leaves a state at the rate [1/h] of the windows that hold, so
that over a step dt the chance to go is 1 - exp(-rate · dt); from awake two ways compete. Every person has a chronotype:
the windows are moved by N(0, 0.8 h). Shift workers take turns, week by week: early, late, night.
Now and then the household is away for days: a trip begins on one day in 60, at 9 h, and ends after 2 to 9 days at 18 h.

The method is that of time-use occupancy models (I. Richardson, M. Thomson, D. Infield, Energy and Buildings 40, 1560
(2008), DOI 10.1016/j.enbuild.2008.02.006); the rates are this project's own, chosen by hand for plausible days.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Windows = tuple[tuple[float, float, float], ...]

AWAY, AWAKE, ASLEEP = 0, 1, 2


class Day(NamedTuple):
    """Rates as windows (from hour, to hour, rate [1/h]); a window may run over midnight."""

    wake: Windows
    sleep: Windows
    leave: Windows
    come: Windows


FREE = Day(
    wake=((6.5, 9.0, 0.55), (9.0, 14.0, 1.6)),
    sleep=((22.0, 24.0, 0.3), (0.0, 5.0, 1.1)),
    leave=((9.5, 18.0, 0.16), (18.0, 21.0, 0.12)),
    come=((8.0, 20.0, 0.42), (20.0, 24.0, 0.6), (0.0, 8.0, 1.2)),
)
OFFICE = Day(
    wake=((5.5, 7.5, 1.5), (7.5, 12.0, 3.0)),
    sleep=((21.5, 23.0, 0.35), (23.0, 4.0, 1.3)),
    leave=((6.5, 9.0, 1.5), (9.0, 14.0, 0.35), (17.0, 21.0, 0.09)),
    come=((10.0, 15.0, 0.03), (15.0, 17.0, 0.5), (17.0, 24.0, 0.8), (0.0, 6.0, 2.0)),
)
HALF = Day(
    wake=((5.5, 7.5, 1.3), (7.5, 12.0, 2.5)),
    sleep=((21.5, 23.0, 0.35), (23.0, 4.0, 1.3)),
    leave=((7.5, 9.0, 1.2), (9.0, 18.0, 0.12), (18.0, 21.0, 0.08)),
    come=((9.0, 11.5, 0.1), (11.5, 14.5, 1.0), (14.5, 24.0, 0.7), (0.0, 6.0, 2.0)),
)
RETIRED = Day(
    wake=((6.0, 8.0, 0.9), (8.0, 12.0, 2.5), (14.0, 16.0, 2.0)),
    sleep=((21.5, 23.0, 0.7), (23.0, 4.0, 2.5), (13.0, 14.5, 0.12)),
    leave=((9.0, 12.0, 0.22), (13.5, 17.0, 0.16), (18.0, 20.0, 0.05)),
    come=((8.0, 18.0, 0.55), (18.0, 24.0, 0.8), (0.0, 8.0, 2.0)),
)
EARLY = OFFICE._replace(
    wake=((3.8, 5.0, 3.0), (5.0, 12.0, 3.0)),
    leave=((4.8, 6.0, 3.0), (15.0, 20.0, 0.1)),
    come=((13.8, 16.0, 1.6), (16.0, 24.0, 0.8), (0.0, 4.0, 2.0)),
    sleep=((20.0, 22.0, 0.8), (22.0, 3.0, 2.2)),
)
LATE = OFFICE._replace(
    wake=((7.0, 9.0, 0.8), (9.0, 13.0, 2.5)),
    leave=((9.5, 12.0, 0.1), (12.5, 14.0, 2.5)),
    come=((10.0, 12.5, 0.5), (21.8, 24.0, 2.0), (0.0, 6.0, 2.0)),
    sleep=((23.5, 24.0, 0.5), (0.0, 4.0, 1.5)),
)
NIGHT = Day(
    wake=((13.0, 15.0, 1.0), (15.0, 20.0, 2.5)),
    sleep=((6.0, 11.0, 1.2),),
    leave=((16.0, 19.0, 0.1), (20.5, 22.0, 2.5)),
    come=((5.8, 8.0, 2.0), (8.0, 20.0, 0.6)),
)

# Work days, by week; days off are FREE for all but the retired, who keep theirs.
PROFILES: dict[str, tuple[Day, ...]] = {
    "commuter": (OFFICE,),
    "part-time": (HALF,),
    "retired": (RETIRED,),
    "shift": (EARLY, LATE, NIGHT),
}

HOUSEHOLDS: tuple[tuple[float, tuple[str, ...]], ...] = (  # share of homes, persons
    (0.14, ("commuter",)),
    (0.10, ("retired",)),
    (0.18, ("commuter", "part-time")),
    (0.08, ("commuter", "commuter")),
    (0.16, ("retired", "retired")),
    (0.10, ("shift", "part-time")),
    (0.10, ("commuter", "part-time", "commuter")),
    (0.14, ("commuter", "part-time", "commuter", "commuter")),
)


def rates(windows: Windows, hours: Floats) -> Floats:
    """Return the rate [1/h] (n,) at ``hours`` (n,) of the wall clock: the sum of the windows that hold."""
    out = np.zeros(len(hours))
    for begin, end, rate in windows:
        inside = (hours >= begin) & (hours < end) if begin <= end else (hours >= begin) | (hours < end)
        out += rate * inside
    return out


def states(
    profile: str,
    hour: Floats,
    weekday: NDArray[np.int64],
    week: NDArray[np.int64],
    dt_h: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return the state of one person at each step (n,), beginning asleep.

    hour, weekday (0 = Monday): wall clock; week: a running number that turns on Mondays. All (n,).
    """
    hours = (hour - 0.8 * float(np.clip(rng.standard_normal(), -2.0, 2.0))) % 24.0
    turn = int(rng.integers(3))
    work = PROFILES[profile]
    chances = {name: np.zeros(len(hours)) for name in Day._fields}
    for number, day in enumerate((*work, RETIRED if profile == "retired" else FREE)):
        holds = weekday >= 5 if number == len(work) else (weekday < 5) & ((week + turn) % len(work) == number)
        for name, windows in day._asdict().items():
            chances[name][holds] = rates(windows, hours[holds])
    out_rate = chances["leave"] + chances["sleep"]
    go = -np.expm1(-dt_h * out_rate)
    # Of those who stop being awake at home, this share leaves and the others go to bed.
    leaves = np.divide(chances["leave"], out_rate, out=np.zeros_like(out_rate), where=out_rate > 0.0) * go
    wakes, comes = -np.expm1(-dt_h * chances["wake"]), -np.expm1(-dt_h * chances["come"])
    draws = rng.random(len(hours)).tolist()
    state, out = ASLEEP, []
    for u, p_leave, p_go, p_wake, p_come in zip(
        draws, leaves.tolist(), go.tolist(), wakes.tolist(), comes.tolist(), strict=True
    ):
        if state == AWAKE:
            if u < p_go:
                state = AWAY if u < p_leave else ASLEEP
        elif u < (p_wake if state == ASLEEP else p_come):
            state = AWAKE
        out.append(state)
    return np.array(out, dtype=np.int64)


def on_trip(hour: Floats, day: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return whether the household is away for days at each step (n,). day: a number from 0 that counts days (n,)."""
    draws = rng.random((int(day[-1]) + 1, 2))
    out = np.zeros(len(hour), dtype=np.bool_)
    back = -1
    for number, (begins, length) in enumerate(draws):
        if number > back and begins < 1.0 / 60.0:
            back = number + 2 + int(8.0 * length)
            out |= ((day == number) & (hour >= 9.0)) | ((day > number) & (day < back)) | ((day == back) & (hour < 18.0))
    return out


def household(rng: np.random.Generator) -> tuple[str, ...]:
    """Return the persons' profiles of a household drawn from :data:`HOUSEHOLDS`."""
    shares = np.cumsum([share for share, _ in HOUSEHOLDS])
    return HOUSEHOLDS[int(np.searchsorted(shares / shares[-1], rng.random(), side="right"))][1]

"""Whether somebody is at home, inferred from the household's own meter: a hidden Markov filter without labels.

States: away, awake, asleep. What the meter shows is the logarithm of the load; away and asleep look alike (standby and
refrigerators), so that they differ by the time of day alone. A state is left at the rates [1/h] of :data:`RATES`, round
numbers of a common household's day that are the same for every home. The two distributions of the log-load, at rest and
awake, are histograms that start from a broad guess and learn with every step from the filter's own posterior (online
expectation maximization with filtered in place of smoothed statistics, old days forgotten with a half-life).

Everything is causal: the estimate of a step depends on the loads up to that step and no later one, so that a controller
could have it. The load is that of lights and appliances, without heat pump and vehicle, as ``Scenario.load_kw``.

That a household's electricity meter tells presence: W. Kleiminger, C. Beckel, T. Staake, S. Santini, *Occupancy
Detection from Electricity Consumption Data*, BuildSys 2013, DOI 10.1145/2528282.2528295 (five Swiss homes; classifiers
that learn from labels, a hidden Markov model among them: more than 80 % right). Online learning of such models:
O. Cappé, J. Comput. Graph. Stat. 20, 728 (2011), DOI 10.1198/jcgs.2011.09109. Rates, bins and guesses are this
project's own. Where load and occupancy do not belong together, as in the bundled home (a metered load and a made-up
schedule), the estimate follows the load.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from entangrid.data.errors import InputError

Floats = NDArray[np.float64]

AWAY, AWAKE, ASLEEP = 0, 1, 2
#: from, to, windows of the wall clock (from hour, to hour, rate [1/h]), the last of which is for all other hours
RATES: tuple[tuple[int, int, tuple[tuple[float, float, float], ...], float], ...] = (
    (AWAKE, AWAY, ((7.0, 10.0, 0.25), (10.0, 20.0, 0.08)), 0.02),
    (AWAY, AWAKE, ((8.0, 15.0, 0.1), (15.0, 23.0, 0.3)), 0.03),
    (AWAKE, ASLEEP, ((21.0, 23.0, 0.4), (23.0, 4.0, 1.2)), 0.005),
    (ASLEEP, AWAKE, ((5.0, 7.0, 0.5), (7.0, 12.0, 1.2)), 0.05),
    (ASLEEP, AWAY, (), 0.01),
)


class Guess(NamedTuple):
    """What is believed of the log-load before anything is seen, and how long it counts."""

    rest_kw: float = 0.12  # median
    awake_kw: float = 0.45
    rest_spread: float = 0.6  # standard deviation of the logarithm
    awake_spread: float = 0.9
    weight_h: float = 48.0  # as many hours of data
    half_life_h: float = 60.0 * 24.0  # of what was learnt


EDGES = np.log(np.geomspace(0.01, 20.0, 39))
_SMOOTH = np.array([0.25, 0.5, 0.25])


def occupancy_from_meter(load_kw: ArrayLike, hour: ArrayLike, dt_h: float, guess: Guess | None = None) -> Floats:
    """Return the chance that somebody is at home at each step, as ``load_kw``: (T,) or (T, H).

    load_kw: mean load of the step [kW], >= 0. hour: wall clock at the step's beginning (T,) [0, 24). dt_h: step [h].
    The value of a step uses the loads of this and earlier steps alone. Raises ``InputError`` for shapes or values that
    do not fit.
    """
    load, hours = np.asarray(load_kw, dtype=np.float64), np.asarray(hour, dtype=np.float64)
    if load.ndim not in (1, 2) or hours.shape != load.shape[:1]:
        raise InputError(
            f"occupancy from meter: load_kw has shape {load.shape} and hour {hours.shape}, "
            "expected (T,) or (T, H), and (T,)"
        )
    if not (np.isfinite(load) & (load >= 0.0)).all():
        raise InputError("occupancy from meter: load_kw has negative or missing values, expected 0 kW or more")
    if not 0.0 < dt_h <= 1.0:
        raise InputError(f"occupancy from meter: dt_h is {dt_h}, expected up to 1 h")
    known = guess or Guess()
    columns = load.reshape(len(load), -1)
    n_steps, n_homes = columns.shape
    bins = np.clip(np.searchsorted(EDGES, np.log(np.maximum(columns, 1e-9))), 1, len(EDGES) - 1)
    moves = _moves(hours, dt_h)
    counts = _first_counts(known, n_homes, dt_h)  # (2, H, bins): at rest, awake
    keep = 0.5 ** (dt_h / known.half_life_h)
    # Steps shorter than a quarter-hour repeat each other; their evidence counts for less.
    evidence = min(1.0, dt_h / 0.25)
    homes = np.arange(n_homes)
    belief = np.full((3, n_homes), 1.0 / 3.0)
    out = np.empty((n_steps, n_homes))
    for t in range(n_steps):
        seen = bins[t]
        likelihood = (counts[:, homes, seen] / counts.sum(axis=2)) ** evidence
        belief = moves[t] @ belief
        belief[AWAY] *= likelihood[0]
        belief[AWAKE] *= likelihood[1]
        belief[ASLEEP] *= likelihood[0]
        belief /= belief.sum(axis=0)
        out[t] = 1.0 - belief[AWAY]
        counts *= keep
        for offset, share in zip((-1, 0, 1), _SMOOTH, strict=True):
            counts[0, homes, seen + offset] += share * (1.0 - belief[AWAKE])
            counts[1, homes, seen + offset] += share * belief[AWAKE]
    return np.clip(out, 0.0, 1.0).reshape(load.shape)


def _moves(hours: Floats, dt_h: float) -> Floats:
    """Return the chances to go from state j to state i in each step (T, 3, 3), [t, i, j]; columns add up to 1."""
    rate = np.zeros((len(hours), 3, 3))
    for origin, target, windows, otherwise in RATES:
        value = np.full(len(hours), otherwise)
        for begin, end, r in windows:
            inside = (hours >= begin) & (hours < end) if begin <= end else (hours >= begin) | (hours < end)
            value[inside] = r
        rate[:, target, origin] = value
    total = rate.sum(axis=1, keepdims=True)
    go = -np.expm1(-dt_h * total)
    moves: Floats = rate / total * go
    moves[:, range(3), range(3)] = 1.0 - go[:, 0, :]
    return moves


def _first_counts(guess: Guess, n_homes: int, dt_h: float) -> Floats:
    """Return the histograms' first counts (2, n_homes, bins) of a step's length each: normal in the logarithm."""
    centre = np.concatenate([EDGES[:1], 0.5 * (EDGES[1:] + EDGES[:-1]), EDGES[-1:]])
    first = []
    for median, spread in ((guess.rest_kw, guess.rest_spread), (guess.awake_kw, guess.awake_spread)):
        density = np.exp(-0.5 * ((centre - np.log(median)) / spread) ** 2) + 1e-3
        first.append(density / density.sum() * guess.weight_h / dt_h)
    return np.repeat(np.array(first)[:, None, :], n_homes, axis=1)

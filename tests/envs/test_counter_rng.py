"""Random numbers by counter: uniform, independent of their neighbours, and SplitMix64's."""

from __future__ import annotations

import numpy as np

from entangrid.envs.kernels import counter_rng
from entangrid.envs.kernels.observe import noise


def test_counter_numbers_are_uniform_and_independent_of_their_neighbours() -> None:
    draws = np.array([counter_rng.uniform(1, e, k, d) for e in range(20) for k in range(20) for d in range(25)])
    assert draws.min() >= 0.0
    assert draws.max() < 1.0
    counts = np.histogram(draws, 20, (0.0, 1.0))[0]
    chi2 = float(((counts - 500.0) ** 2 / 500.0).sum())
    assert chi2 < 43.8  # 99.9 % quantile of chi-squared with 19 degrees of freedom
    lag = np.corrcoef(draws[:-1], draws[1:])[0, 1]
    assert abs(lag) < 0.035  # about 3.5 standard errors
    assert len(np.unique(draws)) == draws.size


def test_counter_numbers_match_the_published_splitmix64() -> None:
    # first outputs of SplitMix64 seeded with 1234567, as in the Rosetta Code task "Pseudo-random numbers/Splitmix64"
    state, gold = 1234567, 0x9E3779B97F4A7C15
    outputs = []
    for _ in range(3):
        outputs.append(int(counter_rng.mix(np.uint64(state))))
        state = (state + gold) % 2**64
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_noise_is_standard_normal() -> None:
    from scipy.stats import kstest

    draws = np.array([noise(3, e, 0, d) for e in range(10) for d in range(400)])
    assert kstest(draws, "norm").pvalue > 1e-3
    assert np.isfinite(draws).all()

"""Random numbers as a function of where they are used, not of what was drawn before.

A generator with a running state would make an environment's draws depend on its neighbours; hashing the counter
(seed, environment, episode, draw) does not, so n copies equal n singles and a restored run equals a straight one.
"""

import numpy as np

from entangrid.envs.kernels.jit import kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)


@kernel
def mix(z: np.uint64) -> np.uint64:
    """Finaliser of SplitMix64: a bijection on 64 bits whose outputs pass BigCrush over consecutive inputs.

    Source: Steele, Lea, Flood, OOPSLA 2014, DOI 10.1145/2660193.2660195.
    """
    z = np.uint64(z + _GOLDEN)
    z = np.uint64((z ^ (z >> _S30)) * _MIX_1)
    z = np.uint64((z ^ (z >> _S27)) * _MIX_2)
    return np.uint64(z ^ (z >> _S31))


@kernel
def uniform(seed: int, env: int, episode: int, draw: int) -> float:
    """One number in [0, 1) for this (seed, environment, episode, draw), with 53 random bits."""
    z = mix(np.uint64(seed))
    z = mix(np.uint64(z ^ np.uint64(env)))
    z = mix(np.uint64(z ^ np.uint64(episode)))
    z = mix(np.uint64(z ^ np.uint64(draw)))
    return float(z >> _S11) * (1.0 / 9007199254740992.0)

"""From conductances and capacities to the matrices that advance a zone exactly over one step."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from entangrid.envs.layout import Records

F = NDArray[np.float64]


class StepMatrices(NamedTuple):
    """End of step and mean over the step as linear functions of (start temperatures, inputs)."""

    a: F  # (N, N)
    b: F  # (N, M)
    a_mean: F  # (N, N)
    b_mean: F  # (N, M)


def continuous(home: Records) -> tuple[F, F]:
    """A (2, 2) [1/h] and B (2, 3) of dx/dt = A x + B u for one home record.

    x: air and mass temperature [°C]; u: outdoor temperature [°C], heat into air and into mass [kW].
    Source: Bacher, Madsen 2011, DOI 10.1016/j.enbuild.2011.02.005.
    """
    c_air, c_mass = float(home["c_air"]), float(home["c_mass"])
    out_air, out_mass, between = float(home["ua_air_out"]), float(home["ua_mass_out"]), float(home["ua_air_mass"])
    a = np.array([[-(out_air + between) / c_air, between / c_air], [between / c_mass, -(out_mass + between) / c_mass]])
    b = np.array([[out_air / c_air, 1.0 / c_air, 0.0], [out_mass / c_mass, 0.0, 1.0 / c_mass]])
    return a, b


def discretise(a: F, b: F, dt: float) -> StepMatrices:
    """Exact step of dx/dt = a x + b u over dt [h] with u constant, by one matrix exponential.

    The state is augmented with u (whose derivative is 0) and with the integral of x, which gives the mean.
    Source: Van Loan 1978, DOI 10.1109/TAC.1978.1101743.
    """
    n, m = b.shape
    augmented = np.zeros((2 * n + m, 2 * n + m))
    augmented[:n, :n] = a
    augmented[:n, n : n + m] = b
    augmented[n + m :, :n] = np.eye(n)
    e = expm(augmented * dt)
    return StepMatrices(
        a=np.ascontiguousarray(e[:n, :n]),
        b=np.ascontiguousarray(e[:n, n : n + m]),
        a_mean=np.ascontiguousarray(e[n + m :, :n] / dt),
        b_mean=np.ascontiguousarray(e[n + m :, n : n + m] / dt),
    )


def step_matrices(homes: Records, dt: float) -> StepMatrices:
    """The matrices of all homes, stacked: a, a_mean (H, 2, 2), b, b_mean (H, 2, 3)."""
    each = [discretise(*continuous(home), dt) for home in homes]
    return StepMatrices(*(np.stack(column) for column in zip(*each, strict=True)))

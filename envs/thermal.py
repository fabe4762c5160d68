"""From conductances and capacities to the matrices that advance a home's zones exactly over one step.

A home is a linear network of up to four zones. Each has an air node, a mass node and, if ``ua_air_surface`` is above
0, a surface node without capacity between them. Air nodes of different zones are joined by ``ua_zones``. With
conductances K [kW/K], capacities C [kWh/K] and inputs u (outdoor temperature, heat into the nodes)

    C dT/dt = -K T + G u.

Nodes without capacity (surfaces, and air nodes with ``c_air`` 0 or next to it) follow at once:
0 = -K_sd T_d - K_ss T_s + G_s u, so T_s = K_ss⁻¹ (G_s u - K_sd T_d); what is left for the others is the Schur
complement K_dd - K_ds K_ss⁻¹ K_sd. Both the two-node model (Bacher, Madsen 2011, DOI 10.1016/j.enbuild.2011.02.005)
and ISO 13790's 5R1C are such networks.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from entangrid.envs.layout import MAX_ZONES, Records

F = NDArray[np.float64]

#: An air node with a shorter time constant than this [h] (a third of a second) counts as one without capacity.
SHORTEST_H = 1e-4


class Discrete(NamedTuple):
    """End of step and mean over the step as linear functions of (start temperatures, inputs)."""

    a: F  # (N, N)
    b: F  # (N, M)
    a_mean: F  # (N, N)
    b_mean: F  # (N, M)


class StepMatrices(NamedTuple):
    """One step of H homes with up to Z zones; N = 2 Z nodes air1, mass1, air2, ...; M = 1 + N inputs.

    Inputs are the outdoor temperature [°C], then the heat meant for each node [kW]. ``x_next = a x + b u``,
    ``x_mean = a_mean x + b_mean u``, mean loss to the outdoors = ``loss_x @ x_mean + loss_u @ u`` [kW], and
    ``capacity @ (x_next - x) = (u[1:].sum() - loss) dt``. A node without capacity has capacity 0 and columns of zeros:
    its temperature follows from the others and from u. Rows and columns of absent zones are zero.
    """

    a: F  # (H, N, N)
    b: F  # (H, N, M)
    a_mean: F  # (H, N, N)
    b_mean: F  # (H, N, M)
    loss_x: F  # (H, N) [kW/K]
    loss_u: F  # (H, M)
    capacity: F  # (H, N) [kWh/K]


class Network(NamedTuple):
    """C dT/dt = -K T + G u of the nodes that a home has."""

    conductance: F  # K (n, n) [kW/K]
    gain: F  # G (n, M)
    capacity: F  # C (n,) [kWh/K]
    place: NDArray[np.int64]  # (n,) the node's place among the N of StepMatrices; -1: a surface


def network(home: Records, zones: Records) -> Network:
    """Conductances, gains and capacities of one home (a HOME record) with zones (Z,) of ZONE records.

    The share of the heat meant for the mass that enters neither mass nor surface is lost outdoors, and so is
    ``mass_to_surface`` of a zone without a surface node.
    """
    there = [z for z in range(len(zones)) if zones[z]["c_mass"] > 0.0]
    place = [2 * z + i for z in there for i in (0, 1)]
    surfaces = [z for z in there if zones[z]["ua_air_surface"] > 0.0]
    n, m = len(place) + len(surfaces), 1 + 2 * len(zones)
    k, g, c = np.zeros((n, n)), np.zeros((n, m)), np.zeros(n)
    at = {node: i for i, node in enumerate(place)}

    def outdoors(i: int, ua: float) -> None:
        k[i, i] += ua
        g[i, 0] += ua

    def join(i: int, j: int, ua: float) -> None:
        k[i, i] += ua
        k[j, j] += ua
        k[i, j] -= ua
        k[j, i] -= ua

    for z in there:
        zone, air, mass = zones[z], at[2 * z], at[2 * z + 1]
        c[air], c[mass] = zone["c_air"], zone["c_mass"]
        outdoors(air, zone["ua_air_out"])
        outdoors(mass, zone["ua_mass_out"])
        join(air, mass, zone["ua_air_mass"])
        g[air, 1 + 2 * z] = 1.0
        g[mass, 2 + 2 * z] = zone["mass_to_mass"]
    for i, z in enumerate(surfaces, len(place)):
        zone = zones[z]
        outdoors(i, zone["ua_surface_out"])
        join(i, at[2 * z], zone["ua_air_surface"])
        join(i, at[2 * z + 1], zone["ua_surface_mass"])
        g[i, 2 + 2 * z] = zone["mass_to_surface"]
    pairs = [(i, j) for i in range(MAX_ZONES) for j in range(i + 1, MAX_ZONES)]
    for ua, (z1, z2) in zip(home["ua_zones"], pairs, strict=True):
        if z1 in there and z2 in there:
            join(at[2 * z1], at[2 * z2], ua)
    return Network(k, g, c, np.array(place + [-1] * len(surfaces), np.int64))


def discretise(a: F, b: F, dt: float) -> Discrete:
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
    return Discrete(
        a=np.ascontiguousarray(e[:n, :n]),
        b=np.ascontiguousarray(e[:n, n : n + m]),
        a_mean=np.ascontiguousarray(e[n + m :, :n] / dt),
        b_mean=np.ascontiguousarray(e[n + m :, n : n + m] / dt),
    )


def step_matrices(homes: Records, zones: Records, dt: float) -> StepMatrices:
    """The matrices of all homes (H,) of HOME records with zones (H, Z) of ZONE records for a step of dt [h].

    Homes that are alike are computed once.
    """
    h, n = len(homes), 2 * zones.shape[1]
    m = 1 + n
    shapes = ((n, n), (n, m), (n, n), (n, m), (n,), (m,), (n,))
    out = StepMatrices(*(np.zeros((h, *shape)) for shape in shapes))
    known: dict[bytes, int] = {}
    for i in range(h):
        key = homes[i]["ua_zones"].tobytes() + zones[i].tobytes()
        first = known.setdefault(key, i)
        one = _one(homes[i], zones[i], dt) if first == i else StepMatrices(*(part[first] for part in out))
        for whole, part in zip(out, one, strict=True):
            whole[i] = part
    return out


def _one(home: Records, zones: Records, dt: float) -> StepMatrices:
    """The matrices of one home."""
    k, g, c, place = network(home, zones)
    n, m = 2 * len(zones), 1 + 2 * len(zones)
    slow = (c > SHORTEST_H * np.diag(k)) | (place % 2 == 1) & (place >= 0)
    has, lacks = np.flatnonzero(slow), np.flatnonzero(~slow)
    follows_x = -np.linalg.solve(k[np.ix_(lacks, lacks)], k[np.ix_(lacks, has)])  # T_s = follows_x T_d + follows_u u
    follows_u = np.linalg.solve(k[np.ix_(lacks, lacks)], g[lacks])
    a_rate = -(k[np.ix_(has, has)] + k[np.ix_(has, lacks)] @ follows_x) / c[has, None]
    b_rate = (g[has] - k[np.ix_(has, lacks)] @ follows_u) / c[has, None]
    step = discretise(a_rate, b_rate, dt)

    a, a_mean, b, b_mean = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, m)), np.zeros((n, m))
    to = place[has]
    for whole_x, whole_u, x, u in ((a, b, step.a, step.b), (a_mean, b_mean, step.a_mean, step.b_mean)):
        whole_x[np.ix_(to, to)] = x
        whole_u[to] = u
        for row, node in enumerate(lacks):
            if place[node] >= 0:
                whole_x[place[node], to] = follows_x[row] @ x
                whole_u[place[node]] = follows_x[row] @ u + follows_u[row]
    capacity = np.zeros(n)
    capacity[place[has]] = c[has]
    return StepMatrices(a, b, a_mean, b_mean, *_loss(k, g, place, n), capacity)


def _loss(k: F, g: F, place: NDArray[np.int64], n: int) -> tuple[F, F]:
    """Heat that leaves for the outdoors as a function of (node temperatures, inputs): loss_x (N,), loss_u (M,).

    Σ ua_out (T - T_out) over all nodes and the heat that no node takes; a surface's temperature is the mean of its
    neighbours', weighted by conductance, plus its heat over the sum of its conductances.
    """
    loss_x, loss_u = np.zeros(n), np.zeros(g.shape[1])
    out = g[:, 0]
    loss_u[0] = -out.sum()
    loss_u[1:] = np.where(np.isin(np.arange(n), place), 1.0 - g[:, 1:].sum(axis=0), 0.0)
    for i, node in enumerate(place):
        if node >= 0:
            loss_x[node] += out[i]
        else:
            inner = place >= 0
            loss_x[place[inner]] -= out[i] * k[i, inner] / k[i, i]
            loss_u += out[i] * g[i] / k[i, i]
    return loss_x, loss_u

"""From tables to a numbered tree: the arrays that the power-flow kernels work on."""

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.errors import InputError
from entangrid.envs.feeder_tables import Table, bus_labels, names
from entangrid.envs.feeder_transformer import Transformer, read_transformer

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class RadialGrid(NamedTuple):
    """A feeder as a tree: node 0 the slack, node 1 the transformer's star point, node 2 its low-voltage bus.

    Node arrays (n,) and their units are those of :mod:`entangrid.envs.kernels.distflow`; bus and line arrays keep the
    row order of the tables.
    """

    bus_labels: list[Hashable]
    line_labels: list[Hashable]
    parent: Integers
    r: Floats
    x: Floats
    g: Floats
    b: Floats
    v_slack: float  # squared slack voltage seen from the low-voltage side [pu²]
    vm_hv_pu: float  # voltage of the external grid in the high-voltage bus's base [pu]
    node_of_bus: Integers  # (n_bus,); the high-voltage bus, where it is listed, is node 0
    line_node: Integers  # (n_line,) far node of each line, -1 when it is out of service
    g_half: Floats  # (n_line,) half of a line's shunt [kW/pu²]
    b_half: Floats  # (n_line,) [kvar/pu²]
    ka_per_kw: Floats  # (n_line,) current [kA] per [kW/pu]
    rating_ka: Floats  # (n_line,)
    transformer: Transformer


class _Lines(NamedTuple):
    labels: list[Hashable]
    ends: list[tuple[int, int]]  # positions in the bus table
    on: NDArray[np.bool_]
    r: Floats
    x: Floats
    g: Floats
    b: Floats
    ka_per_kw: Floats
    rating_ka: Floats


def _read_external_grid(table: Table) -> tuple[Hashable, float]:
    table = table.rows(table.in_service())
    if len(table) != 1:
        raise InputError(
            f"ext_grid: {len(table)} external grids in service at buses {names(table.references('bus')) or '(none)'}, "
            "expected exactly one"
        )
    return table.references("bus")[0], float(table.numbers("vm_pu", lowest=0.0, above=True)[0])


def _read_lines(table: Table, position: dict[Hashable, int], vn_kv: Floats, hv_bus: Hashable, hz: float) -> _Lines:
    on = table.in_service()
    ends = []
    for row, pair in enumerate(zip(table.references("from_bus"), table.references("to_bus"), strict=True)):
        for column, bus in zip(("from_bus", "to_bus"), pair, strict=True):
            if bus == hv_bus:
                raise table.fail(
                    row, column, "a low-voltage bus: lines on the transformer's high-voltage side are not supported"
                )
            if bus not in position:
                raise table.fail(row, column, "a bus of the bus table")
        a, b = position[pair[0]], position[pair[1]]
        if vn_kv[a] != vn_kv[b]:
            raise table.fail(
                row, "to_bus", f"a bus of the same vn_kv as from_bus: {vn_kv[a]:g} kV there, {vn_kv[b]:g} kV here"
            )
        ends.append((a, b))
    base = 1000.0 * vn_kv[[a for a, _ in ends]] ** 2 if ends else np.empty(0)
    length = table.numbers("length_km", lowest=0.0)
    units = table.numbers("parallel", default=1.0, lowest=1.0)
    derating = table.numbers("df", default=1.0, lowest=0.0, above=True)
    susceptance = 2.0 * np.pi * hz * 1e-9 * table.numbers("c_nf_per_km", lowest=0.0)
    conductance = 1e-6 * table.numbers("g_us_per_km", default=0.0, lowest=0.0)
    return _Lines(
        table.labels,
        ends,
        on,
        r=table.numbers("r_ohm_per_km", lowest=0.0) * length / units / base,
        x=table.numbers("x_ohm_per_km", lowest=0.0) * length / units / base,
        g=conductance * length * units * base,
        b=susceptance * length * units * base,
        ka_per_kw=1.0 / np.sqrt(3000.0 * base),
        rating_ka=table.numbers("max_i_ka", lowest=0.0, above=True) * units * derating,
    )


def _refuse_loops(lines: _Lines, buses: list[Hashable]) -> None:
    """Name the first line whose ends are already connected."""
    group = list(range(len(buses)))

    def root(a: int) -> int:
        while group[a] != a:
            group[a] = group[group[a]]
            a = group[a]
        return a

    pairs: dict[frozenset[int], Hashable] = {}
    for label, (a, b), on in zip(lines.labels, lines.ends, lines.on, strict=True):
        if not on:
            continue
        if root(a) == root(b):
            between = f"line {label} between buses {buses[a]} and {buses[b]}"
            twin = pairs.get(frozenset((a, b)))
            if twin is not None:
                raise InputError(f"{between} runs beside line {twin}: expected one row with parallel = 2")
            raise InputError(f"{between} closes a loop: expected a radial feeder (in_service = False opens a line)")
        group[root(a)] = root(b)
        pairs[frozenset((a, b))] = label


def _walk(lines: _Lines, n_bus: int, start: int) -> list[tuple[int, int, int]]:
    """(line, near bus, far bus) from the transformer outwards, nearest buses first."""
    neighbours: list[list[tuple[int, int]]] = [[] for _ in range(n_bus)]
    for k, ((a, b), on) in enumerate(zip(lines.ends, lines.on, strict=True)):
        if on:
            neighbours[a].append((k, b))
            neighbours[b].append((k, a))
    steps: list[tuple[int, int, int]] = []
    reached, queue = {start}, [start]
    for near in queue:
        for k, far in neighbours[near]:
            if far not in reached:
                reached.add(far)
                queue.append(far)
                steps.append((k, near, far))
    return steps


def build_grid(
    bus: pd.DataFrame, line: pd.DataFrame, trafo: pd.DataFrame, ext_grid: pd.DataFrame, frequency_hz: float
) -> RadialGrid:
    """Check the tables and number the tree. Raises InputError naming table, row, column, value and expectation."""
    bus_table = Table("bus", bus)
    buses = bus_labels(bus_table)
    vn_kv = bus_table.numbers("vn_kv", lowest=0.0, above=True)
    position = {label: i for i, label in enumerate(buses)}
    slack_bus, vm_hv = _read_external_grid(Table("ext_grid", ext_grid))
    vn_hv = float(vn_kv[position[slack_bus]]) if slack_bus in position else None
    transformer = read_transformer(Table("trafo", trafo), vn_hv, dict(zip(buses, vn_kv.tolist(), strict=True)))
    if transformer.hv_bus != slack_bus:
        raise InputError(
            f"ext_grid: bus = {slack_bus}, expected the transformer's high-voltage bus {transformer.hv_bus}"
        )
    lines = _read_lines(Table("line", line), position, vn_kv, slack_bus, frequency_hz)
    _refuse_loops(lines, buses)
    steps = _walk(lines, len(buses), position[transformer.lv_bus])
    return _number(buses, position, lines, steps, transformer, slack_bus, vm_hv)


def _number(
    buses: list[Hashable],
    position: dict[Hashable, int],
    lines: _Lines,
    steps: list[tuple[int, int, int]],
    transformer: Transformer,
    slack_bus: Hashable,
    vm_hv: float,
) -> RadialGrid:
    n = 3 + len(steps)
    node_of_bus = np.full(len(buses), -1, dtype=np.int64)
    node_of_bus[position[transformer.lv_bus]] = 2
    if slack_bus in position:
        node_of_bus[position[slack_bus]] = 0
    line_node = np.full(len(lines.labels), -1, dtype=np.int64)
    parent = np.array([0, 0, 1, *([0] * len(steps))], dtype=np.int64)
    r, x, g, b = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    r[1:3] = transformer.r_hv, transformer.r_lv
    x[1:3] = transformer.x_hv, transformer.x_lv
    g[1], b[1] = transformer.g, transformer.b
    for node, (k, near, far) in enumerate(steps, start=3):
        node_of_bus[far] = line_node[k] = node
        parent[node] = node_of_bus[near]
        r[node], x[node] = lines.r[k], lines.x[k]
        for end in (node, parent[node]):
            g[end] += lines.g[k] / 2.0
            b[end] += lines.b[k] / 2.0
    lost = [label for label, node in zip(buses, node_of_bus, strict=True) if node < 0]
    if lost:
        raise InputError(f"bus {names(lost)}: not connected to the transformer by lines in service")
    return RadialGrid(
        bus_labels=buses,
        line_labels=lines.labels,
        parent=parent,
        r=r,
        x=x,
        g=g,
        b=b,
        v_slack=(vm_hv / transformer.ratio) ** 2,
        vm_hv_pu=vm_hv,
        node_of_bus=node_of_bus,
        line_node=line_node,
        g_half=lines.g / 2.0,
        b_half=lines.b / 2.0,
        ka_per_kw=lines.ka_per_kw,
        rating_ka=lines.rating_ka,
        transformer=transformer,
    )

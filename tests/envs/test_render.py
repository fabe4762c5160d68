"""Pictures: they show the numbers of the step, and no words lie on each other."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import gymnasium
import matplotlib
import numpy as np
import pytest
import worlds
from matplotlib.patches import Polygon
from matplotlib.text import Text

from entangrid.envs import Simulator, Task
from entangrid.envs.charging import ChargingSimulator, ChargingTask
from entangrid.envs.dispatch import DispatchSimulator, DispatchTask
from entangrid.envs.feeder import BUNDLED, Feeder
from entangrid.envs.render import make_view
from entangrid.envs.render_canvas import GIVES, TAKES, Canvas, Trail, mixed, nice
from entangrid.envs.render_feeder import FeederView, tree_places
from entangrid.envs.render_house import HouseView


def everything(homes: int = 1, zones: int = 2, days: int = 2, **changes: Any) -> Any:
    """Homes with every device: a vehicle away by day, cycles, a tank, and an outage from 15 to 17 h."""
    n = days * 96
    hour = np.tile(np.arange(96) * 0.25, days)
    away = (hour >= 8) & (hour < 17)

    def each(values: np.ndarray) -> np.ndarray:
        return np.repeat(values.astype(float)[:, None], homes, 1)

    options: dict[str, Any] = {
        "hp_q_ref_kw": 12.0,
        "dhw_c_kwh_k": 0.25,
        "battery_backup": 1.0,
        "ev_kwh": 50.0,
        "ev_discharge_kw": 5.0,
        "appliance_kw_1": 1.1,
        "appliance_kw_2": 2.0,
        "appliance_window_h_1": 4.0,
        "appliance_window_h_2": 4.0,
        "pv_curtailable": 1.0,
        "dhw_kw": each(np.where((hour > 6) & (hour < 8), 3.0, 0.1)),
        "vehicle_home": each(~away),
        "vehicle_trip_kwh": each(0.3 * away),
        "appliance1_ready": each(hour == 9),
        "appliance2_ready": each(hour == 18),
        "grid_available": np.where((np.arange(n) >= 60) & (np.arange(n) < 68), 0.0, 1.0),
    }
    names = ("c_air_kwh_k", "c_mass_kwh_k", "ua_air_out_w_k", "ua_mass_out_w_k", "ua_air_mass_w_k")
    for z in range(2, zones + 1):
        options |= {f"zone{z}_{name}": worlds.HOME[name] for name in names}
    for z in range(1, zones + 1):
        prefix = "" if z == 1 else f"zone{z}_"
        options |= {f"{prefix}{name}": 1.0 / zones for name in ("gain_share", "emitter_share", "day_share")}
    return worlds.scenario(days=days, homes=homes, **(options | changes))


def house(zones: int = 2, **changes: Any) -> Simulator:
    task = Task.make(everything(zones=zones, **changes), episode_steps=120, starts=[0])
    return Simulator(task, 1, autoreset=False)


def feeder(name: str = "rural1", homes: int = 30, **changes: Any) -> Simulator:
    task = Task.make(worlds.scenario(days=2, homes=homes, **changes), feeder=name, episode_steps=120, starts=[0])
    return Simulator(task, 1, autoreset=False)


SIMULATORS = {
    "house": house,
    "house-1-zone": lambda: house(1),
    "house-4-zones": lambda: house(4),
    "battery-only": lambda: Simulator(
        Task.make(worlds.scenario(days=2), controls=["battery"], episode_steps=120), 1, autoreset=False
    ),
    "feeder": feeder,
    "large-feeder": lambda: feeder("semiurb5", 120),
    "charging": lambda: ChargingSimulator(ChargingTask(), 1, 3, autoreset=False),
    "dispatch": lambda: DispatchSimulator(DispatchTask(episode_steps=120), 1, 3, autoreset=False),
}


def act(simulator: Any, rng: np.random.Generator) -> None:
    space = simulator.action_space
    if isinstance(space, gymnasium.spaces.Discrete):
        simulator.step(rng.integers(0, space.n, 1))
    else:
        simulator.step(rng.uniform(-1.0, 1.0, (1, *space.shape)))


def words(view: Any) -> list[str]:
    return [child.get_text() for child in view.canvas.figure.get_children() if isinstance(child, Text)]


@pytest.mark.parametrize("name", SIMULATORS)
def test_frames_are_images_without_words_on_words(name: str) -> None:
    simulator = SIMULATORS[name]()
    view, rng = make_view(simulator.task), np.random.default_rng(0)
    simulator.reset()
    frames = []
    for step in range(min(simulator.episode_steps, 72)):
        if step % 12 == 0:
            frame = view.frame(simulator)
            assert frame.shape == (480, 640, 3)
            assert frame.dtype == np.uint8
            assert frame.std() > 10.0
            frames.append(frame)
            _check_words(view)
        act(simulator, rng)
    assert all((a != b).any() for a, b in pairwise(frames))


def _check_words(view: Any) -> None:
    """Every text lies in the frame, and no two overlap by more than a pixel."""
    renderer = view.canvas.canvas.get_renderer()
    texts = [c for c in view.canvas.figure.get_children() if isinstance(c, Text) and c.get_text()]
    boxes = [text.get_window_extent(renderer) for text in texts]
    for i, one in enumerate(boxes):
        inside = one.x0 >= 0 and one.x1 <= 640 and one.y0 >= 0 and one.y1 <= 480
        assert inside, f"{texts[i].get_text()!r} leaves the frame"
        for j in range(i):
            two = boxes[j]
            apart = min(one.x1, two.x1) - max(one.x0, two.x0) <= 1 or min(one.y1, two.y1) - max(one.y0, two.y0) <= 2.5
            assert apart, f"{texts[i].get_text()!r} lies on {texts[j].get_text()!r}"


@pytest.mark.parametrize("name", SIMULATORS)
def test_a_frame_depends_on_the_state_and_what_was_shown_of_this_episode(name: str) -> None:
    simulator, rng = SIMULATORS[name](), np.random.default_rng(1)
    view = make_view(simulator.task)
    figure = view.canvas.figure
    simulator.reset()
    fresh = view.frame(simulator)
    for _ in range(5):
        act(simulator, rng)
        moved = view.frame(simulator)
    np.testing.assert_array_equal(view.frame(simulator), moved)
    assert (moved != fresh).any()
    simulator.reseed(3)
    simulator.reset()
    np.testing.assert_array_equal(view.frame(simulator), make_view(simulator.task).frame(simulator))
    assert view.canvas.figure is figure  # one figure for all frames


def test_a_house_shows_the_numbers_of_its_step() -> None:
    simulator = house()
    view, rng = HouseView(simulator.task), np.random.default_rng(2)
    simulator.reset()
    assert simulator.task.controls[-1] == "pv"
    seen: set[str] = set()
    for step in range(1, 100):
        act(simulator, rng)
        if not (step % 6 == 0 or 60 < step <= 68):
            continue
        view.frame(simulator)
        shown, terms, state = words(view), simulator.terms[0, 0], simulator.state[0, 0]
        seen |= set(shown)
        assert f"{state['t_air']:.1f} °C" in shown
        assert f"{state['t_zones'][0]:.1f} °C" in shown
        assert f"{100 * state['soc']:.0f} %" in shown
        assert f"{abs(terms['p_hp_kw']):.2f} kW" in shown
        assert f"PV {terms['p_pv_kw']:.2f} kW" in shown
        assert f"step {step} of 120" in " ".join(shown)
        if 60 < step <= 68:
            assert "OUTAGE" in shown
            assert f"{terms['unserved_kwh'] / 0.25:.2f} kW unserved" in shown
        else:
            assert f"{abs(terms['p_grid_kw']):.2f} kW" in shown
            assert ("grid import" in shown) == (terms["p_grid_kw"] > 0.005)
            assert "OUTAGE" not in shown
    assert {"vehicle", "vehicle away", "grid export", "1 ready", "1 on", "2 idle"} <= seen
    when = simulator.task.scenario.index[96].strftime("%a %d %b %Y  %H:%M")
    simulator.step(np.zeros((1, *simulator.action_space.shape)))  # the hundredth step begins at index 99
    view.frame(simulator)
    assert when[:15] in " ".join(words(view))


def test_what_a_home_lacks_is_not_drawn() -> None:
    simulator = Simulator(Task.make(worlds.scenario(days=1, pv_kw=np.zeros((96, 1)))), 1, autoreset=False)
    simulator.reset()
    view = HouseView(simulator.task)
    view.frame(simulator)
    shown = " ".join(words(view))
    assert "heat pump" in shown
    assert "battery" in shown
    assert not any(word in shown for word in ("vehicle", "PV", "hot water", "cycles", "0 pu"))


@pytest.mark.parametrize(("t_air", "note"), [(18.7, "1.3 K too cold"), (25.1, "1.1 K too warm"), (22.0, "20 to 24 °C")])
def test_rooms_say_how_far_they_are_from_comfort(t_air: float, note: str) -> None:
    simulator = house(1)
    simulator.reset()
    simulator.state["t_air"] = t_air
    view = HouseView(simulator.task)
    view.frame(simulator)
    assert note in words(view)


def arrow(start: tuple[float, float], end: tuple[float, float], kw: float) -> np.ndarray | None:
    canvas = Canvas()
    canvas.arrow(start, end, kw, 10.0, GIVES)
    shapes = [c for c in canvas.figure.get_children() if isinstance(c, Polygon)]
    return shapes[0].get_xy() if shapes else None


def test_an_arrow_points_to_its_end_and_is_as_wide_as_its_power() -> None:
    points = arrow((0.0, 0.0), (40.0, 0.0), 5.0)
    assert points is not None
    assert points[np.argmax(points[:, 0])] == pytest.approx((40.0, 0.0))
    widths = []
    for kw in (1.0, 2.0, 4.0, -4.0, 10.0, 20.0):
        points = arrow((0.0, 0.0), (0.0, 40.0), kw)
        assert points is not None
        at_start = points[points[:, 1] == 0.0][:, 0]
        widths.append(at_start.max() - at_start.min())
    one, two, four, back, ten, more = widths
    assert four - two == pytest.approx(2.0 * (two - one))
    assert back == four
    assert more == ten > four
    assert arrow((0.0, 0.0), (40.0, 0.0), 0.004) is None


def test_blue_gives_and_orange_takes() -> None:
    """A battery that charges from PV: one arrow into the wiring, one out of it, besides load and grid."""
    simulator = house(1)
    simulator.reset()
    simulator.step(np.zeros((1, *simulator.action_space.shape)))
    view = HouseView(simulator.task)
    simulator.terms[0, 0] = np.zeros(1, simulator.terms.dtype)[0]
    simulator.terms["p_pv_kw"], simulator.terms["p_battery_kw"] = 3.0, 3.0

    def arrows() -> dict[str, int]:
        shapes = [c for c in view.canvas.figure.get_children() if isinstance(c, Polygon) and len(c.get_xy()) == 8]
        faces = [matplotlib.colors.to_hex(c.get_facecolor()).upper() for c in shapes]
        return {colour: faces.count(colour) for colour in (GIVES, TAKES)}

    view.frame(simulator)
    assert arrows() == {GIVES: 1, TAKES: 1}
    simulator.terms["p_battery_kw"], simulator.terms["p_grid_kw"] = -1.0, -4.0
    view.frame(simulator)
    assert arrows() == {GIVES: 2, TAKES: 1}


def test_a_feeder_shows_its_numbers_and_rings_what_leaves_the_band() -> None:
    simulator = feeder(load_kw=np.full((192, 30), 17.0))
    simulator.reset()
    simulator.step(np.zeros((1, *simulator.action_space.shape)))
    view = FeederView(simulator.task)
    view.frame(simulator)
    terms, shown = simulator.feeder_terms[0], words(view)
    assert terms["trafo_loading_percent"] > 100.0
    assert terms["v_min_pu"] < 0.9
    assert f"{terms['v_min_pu']:.3f} to {terms['v_max_pu']:.3f} pu" in shown
    assert f"{terms['trafo_loading_percent']:.0f} %" in shown
    assert f"{terms['hot_spot_c']:.0f} °C" in shown
    rings = [
        int((np.asarray(c.get_linewidths()) > 2.0).sum())
        for c in view.canvas.figure.get_children()
        if len(np.atleast_1d(getattr(c, "get_linewidths", lambda: 0)())) == simulator.task.feeder.grid.parent.size - 2
    ]
    low = simulator.vm[0] < 0.9
    assert rings == [int(low.sum())]


@pytest.mark.parametrize("name", BUNDLED)
def test_trees_have_a_place_for_every_bus_and_no_crossing_lines(name: str) -> None:
    parent = Feeder.bundled(name).grid.parent
    x, y = tree_places(parent)
    places = {(round(a, 9), round(b, 9)) for a, b in zip(x[2:], y[2:], strict=True)}
    assert len(places) == parent.size - 2
    assert (x >= 0.0).all()
    assert (x <= 1.0).all()
    assert ((y > 0.0) & (y < 1.0))[2:].all()
    for node in range(3, parent.size):
        assert x[node] > x[parent[node]]
        between = (x > x[parent[node]] + 1e-9) & (x < x[node] - 1e-9) & (np.abs(y - y[node]) < 1e-9)
        assert not between[2:].any()


def test_scales_are_round_and_large_enough() -> None:
    assert [nice(v) for v in (0.0, -1.0, 0.2, 0.7, 1.0, 1.2, 24.0, 25.1, 700.0)] == [
        0.0, 0.0, 0.5, 0.8, 1.0, 1.5, 25.0, 30.0, 800.0,
    ]  # fmt: skip
    for value in np.random.default_rng(3).uniform(0.01, 2e4, 200):
        assert value <= nice(value) <= max(1.6 * value, 0.5) + 1e-9
    assert mixed("#0072B2", 0.0) == (1.0, 1.0, 1.0)
    assert mixed("#0072B2", 2.0) == pytest.approx((0.0, 0x72 / 255, 0xB2 / 255))


def test_a_trail_keeps_a_day_of_one_episode() -> None:
    trail = Trail(0.5, hours=2.0)
    for step in range(3, 9):
        trail.add("a", 0, step, float(step))
    trail.add("b", 0, 8, -1.0)
    hours, values = trail.last("a", 8, 1)
    assert hours.tolist() == [-2.0, -1.5, -1.0, -0.5]
    assert values[:, 0].tolist() == [5.0, 6.0, 7.0, 8.0]
    assert len(trail.rows["a"]) == 4
    trail.add("a", 0, 6, 60.0)  # back to an earlier step: another run
    np.testing.assert_array_equal(trail.last("a", 6, 1)[1][:, 0], [np.nan] * 3 + [60.0])
    trail.add("a", 0, 7, 70.0)
    np.testing.assert_array_equal(trail.last("a", 7, 1)[1][:, 0], [np.nan] * 2 + [60.0, 70.0])
    trail.add("a", 1, 9, 9.0)  # another episode
    np.testing.assert_array_equal(trail.last("a", 9, 1)[1][:, 0], [np.nan] * 3 + [9.0])
    assert trail.last("b", 8, 1)[1][-1, 0] == -1.0
    trail.forget("b")
    assert np.isnan(trail.last("b", 8, 1)[1]).all()
    assert trail.last("c", 0, 2)[1].shape == (4, 2)

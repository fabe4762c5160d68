"""Gymnasium's faces of homes: one environment, and many stepped by one call. What a task is, its class says."""

from __future__ import annotations

from typing import Any, ClassVar

from entangrid.envs.faces import BatchEnv, BatchVectorEnv
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task


class HomeEnv(BatchEnv):
    """Homes with everything: heat pump and zones, hot water, PV, battery, vehicle, appliances (``entangrid/Home-v0``).

    Default scenario: ``bundled-house``, one home with every device. Any scenario will do: what its homes have decides
    what is controlled and seen.

    **Action.** "continuous": Box(-1, 1), one number for each control and home, home after home. "multi-discrete": the
    levels of :data:`entangrid.envs.actions.LEVELS`. "discrete": all combinations of one home's levels. What is not
    possible is clipped and reported (``clipped_battery_kw``, ``clipped_hp_kw``, ``clipped_dhw_kw``,
    ``clipped_ev_kw``); ``action_masks()`` tells which discrete actions can do anything.

    ============  =====================================================================================================
    control       -1 to 1
    ============  =====================================================================================================
    battery       share of the power limit, charging positive
    heat_pump     off to all that zone 1 takes; where the pump can cool: full cooling, off (0), full heating
    zone2-zone4   the same for further zones; in a step the pump heats or cools, whichever is asked for more
    tank          off to all that the heat pump (or element) can give; the tank is served before the rooms
    vehicle       share of the discharging (negative) or charging power while it is plugged in
    appliance1-2  above 0: start the cycle that is ready; it starts by itself at its deadline
    pv            nothing to everything that the sun gives
    ============  =====================================================================================================

    A control that is not given to the agent (``controls``), or whose device a home lacks, is left to the device: the
    battery stands idle, thermostats hold rooms and tank, the vehicle charges at once, appliances start at once.

    **Observation.** Box(-1, 1), the same entries for every home in turn, scaled from a physical range and clipped.
    The first twelve are always there, the others where the scenario has them
    (:data:`entangrid.envs.observations.ENTRIES`; ``task.observation_names`` lists a task's own):

    =====  =====================  =======  ============================================================
    no.    name                   unit     range
    =====  =====================  =======  ============================================================
    0      hour_sin               -        sine of the wall-clock hour
    1      hour_cos               -        cosine of the wall-clock hour
    2      price_import           EUR/kWh  scenario's lowest to highest
    3      price_ahead            EUR/kWh  mean of the next four hours; the same range
    4      soc                    -        0 to 1; the battery's
    5      t_air                  °C       12 to 32; zone 1
    6      t_mass                 °C       12 to 32
    7      t_out                  °C       -20 to 40
    8      p_pv                   kW       0 to the scenario's largest; the coming step's mean
    9      p_load                 kW       0 to the 99.5 % quantile; the coming step's mean
    10     occupancy              -        0 to 1; true, noisy or inferred from the meter (``occupancy``)
    11     weekend                -        0 or 1
    ..     t_air_2 to t_air_4     °C       12 to 32
    ..     t_tank                 °C       20 to 80
    ..     q_draw                 kW       0 to the largest; hot water drawn in the coming step
    ..     vehicle_home           -        0 or 1
    ..     vehicle_soc            -        0 to 1
    ..     vehicle_leaves         h        0 to 24; until it leaves next, 24 if later or away
    ..     appliance1_ready       -        0 or 1: a cycle may start (appliance2 alike)
    ..     appliance1_wait        h        0 to 24; how long it may still wait
    ..     grid                   -        0 in an outage
    ..     carbon, price_export            scenario's lowest to highest
    ..     month_import           kWh      0 to 1000; of the calendar month, under a block tariff
    ..     month_peak             kW       0 to 20; of the calendar month, under a demand charge
    ..     voltage                pu       0.9 to 1.1; at the home's bus in the last step
    ..     feeder_v_min, _v_max   pu       0.9 to 1.1 (``observation_set="feeder"``, as the next four)
    ..     trafo_loading          %        0 to 150
    ..     hot_spot               °C       0 to 140; of the transformer
    ..     feeder_load            %        -150 to 150; loading with the sign of the power
    ..     forecast_price+k ...            price, t_out, pv, load k steps ahead (sets "forecast" and "feeder")
    =====  =====================  =======  ============================================================

    **Reward** [EUR]: -(bill + carbon + discomfort + wear + unmet + feeder) + change of the value of stored energy;
    every term is in ``info``. The rewards of an episode sum to minus its objective. unmet: hot water below its useful
    temperature, energy missing in the vehicle when it leaves, and load unserved in an outage, each at its price.

    **Start.** A first step drawn from ``task.starts`` (or taken in turn), middle or drawn initial state.
    **End.** Truncation after ``episode_steps``; there is no termination.

    **Arguments**: those of :meth:`entangrid.envs.tasks.Task.make`, and ``seed``.

    **Versions**: v0, first release.
    """

    defaults: ClassVar[dict[str, Any]] = {"scenario": "bundled-house"}

    def __init__(self, task: Task, seed: int = 0, env_id: int = 0, render_mode: str | None = None):
        """``env_id`` is the copy's number: environment e of a vector environment equals a single one with env_id=e."""
        super().__init__(Simulator(task, 1, seed, autoreset=False, first_env=env_id), render_mode)

    def action_masks(self) -> Any:
        """Which discrete actions can do anything now (:func:`entangrid.envs.actions.masks`)."""
        return self.simulator.action_masks(0)


class ThermostatEnv(HomeEnv):
    """Heating and cooling of three zones whose rooms are used at different times (``entangrid/Thermostat-v0``).

    Default scenario: ``bundled-zones``, a home with a reversible heat pump and no storage but its own mass, in a
    climate with warm summers. Comfort counts where people are: in a zone with its share by day (7 to 22 h) or by
    night, while somebody is at home.

    **Action.** Controls heat_pump (zone 1), zone2, zone3: Box(-1, 1, (3,)), full cooling over off to full heating of
    each zone's emitters; "discrete": 125 combinations of five levels each; "multi-discrete": [5, 5, 5].

    **Observation.** Box(-1, 1, (14,)): the twelve entries of :class:`HomeEnv` that are always there (soc, p_pv
    constant), t_air_2 and t_air_3 [12 to 32 °C].

    **Reward, start, end, arguments**: as :class:`HomeEnv`. **Versions**: v0, first release.
    """

    defaults: ClassVar[dict[str, Any]] = {"scenario": "bundled-zones"}


class BatteryEnv(HomeEnv):
    """A battery beside PV and load (``entangrid/Battery-v0``): the task of the CityLearn Challenge 2022.

    Default scenario: ``bundled-battery``. ``scenario="citylearn:FOLDER"`` takes the challenge's own data; each home
    pays its own bill, as there (``docs/citylearn.md``).

    **Action.** Control battery alone: Box(-1, 1, (H,)), share of the power limit, charging positive; "discrete": five
    levels. Other devices that a scenario may have follow their own controllers.

    **Observation.** Box(-1, 1): the entries of :class:`HomeEnv` that are always there, and carbon [kg/kWh] where it
    varies.

    **Reward, start, end, arguments**: as :class:`HomeEnv`; ``carbon_price_eur_kg`` weighs emissions.
    **Versions**: v0, first release.
    """

    defaults: ClassVar[dict[str, Any]] = {"scenario": "bundled-battery", "controls": ("battery",)}


class FeederEnv(HomeEnv):
    """Fifty homes on a low-voltage grid with transformer and voltage limits (``entangrid/Feeder-v0``).

    Default scenario: fifty synthetic homes in a cold January, six in ten with a vehicle, on the SimBench grid
    ``rural1``. Left to themselves they overload its transformer of 160 kVA for some hours of the month, by up to a
    quarter; batteries and vehicles that all follow the cheap hours overload it threefold.
    Each home's exchange is fed to a power flow in the same call; voltages act back on volt-watt inverters in the next
    step.

    **Action.** Every control of every home: Box(-1, 1, (C H,)), home after home (:class:`HomeEnv`).

    **Observation.** ``observation_set="local"``: each home's entries and the voltage at its bus; "feeder": and for
    each home the feeder's lowest and highest voltage, loading, hot spot and signed load, and forecasts.

    **Reward** [EUR]: as :class:`HomeEnv`, less what the feeder suffers (``grid_eur``, shared evenly): voltage outside
    0.9 to 1.1 pu, loading above rating, the transformer's ageing (:class:`entangrid.envs.connection.FeederRules`).
    ``info`` holds the feeder's terms as well: v_min_pu, v_max_pu, trafo_loading_percent, line_loading_percent,
    losses, hot_spot_c, ageing_h.

    **Start, end, arguments**: as :class:`HomeEnv`; ``entangrid.envs.make_parallel`` makes one agent a home.
    **Versions**: v0, first release.
    """

    defaults: ClassVar[dict[str, Any]] = {
        "scenario": "synthetic:homes=50,days=28,seed=0,tanks=0.8,vehicles=0.6,v2h=0.5,appliances=0.7,curtailable=1",
        "feeder": "rural1",
        "initial": (0.2, 0.8, 20.0, 22.0, 20.0, 22.0, 48.0, 55.0, 0.9, 1.0),  # at midnight vehicles are nearly full
    }


#: The class, and so the specification and the defaults, of each registered task of homes.
CLASSES: dict[str, type[HomeEnv]] = {
    "Thermostat-v0": ThermostatEnv,
    "Battery-v0": BatteryEnv,
    "Home-v0": HomeEnv,
    "Feeder-v0": FeederEnv,
}


class HomeVectorEnv(BatchVectorEnv):
    """Many copies of a task of homes in one kernel call, restarted in the step that ends them (SAME_STEP)."""

    def __init__(
        self,
        task: Task,
        num_envs: int = 1,
        seed: int = 0,
        *,
        threads: int = 1,
        terms_in_info: bool = True,
        render_mode: str | None = None,
    ):
        """``threads`` share the copies without changing a bit; see :class:`HomeEnv` and :class:`BatchVectorEnv`."""
        super().__init__(Simulator(task, num_envs, seed, threads=threads), render_mode, terms_in_info=terms_in_info)


def make_task(name: str, **task: Any) -> Task:
    """The task of a registered name with its defaults; keyword arguments as :meth:`Task.make`."""
    return Task.make(**(CLASSES[name].defaults | task))


def make_home(name: str = "Home-v0", render_mode: str | None = None, seed: int = 0, **task: Any) -> HomeEnv:
    """Entry point of ``gymnasium.make("entangrid/Home-v0", ...)`` and the other tasks of homes."""
    return CLASSES[name](make_task(name, **task), seed, render_mode=render_mode)


def make_home_vector(
    name: str = "Home-v0",
    num_envs: int = 1,
    render_mode: str | None = None,
    seed: int = 0,
    threads: int = 1,
    terms_in_info: bool = True,
    **task: Any,
) -> HomeVectorEnv:
    """Entry point of ``gymnasium.make_vec("entangrid/Home-v0", vectorization_mode="vector_entry_point", ...)``."""
    made = make_task(name, **task)
    return HomeVectorEnv(made, num_envs, seed, threads=threads, terms_in_info=terms_in_info, render_mode=render_mode)


def make_home_simulator(
    n_envs: int = 1,
    seed: int = 0,
    name: str = "Home-v0",
    *,
    threads: int = 1,
    autoreset: bool = True,
    first_env: int = 0,
    **task: Any,
) -> Simulator:
    """The simulator behind :func:`entangrid.envs.make_sb3` and :func:`entangrid.envs.make_parallel`."""
    simulator_of = make_task(name, **task)
    return Simulator(simulator_of, n_envs, seed, threads=threads, autoreset=autoreset, first_env=first_env)

"""One home over one step: devices, building, meter, money."""

from numba import njit

from entangrid.envs.kernels import battery, heat_pump, tariff, zones
from entangrid.envs.kernels.zones import F
from entangrid.envs.layout import Records


@njit(cache=True)
def stored_heat_kwh(home: Records, state: Records) -> float:
    """Heat in the building against 0 °C [kWh]: sum of capacity times node temperature."""
    return home["c_air"] * state["t_air"] + home["c_mass"] * state["t_mass"]  # type: ignore[no-any-return]


@njit(cache=True)
def hp_limits(home: Records, t_out: float) -> tuple[float, float]:
    """(cop [-], largest electric power [kW]) of the home's air-source heat pump at this outdoor temperature [°C]."""
    sink = heat_pump.sink_c(t_out, home["hp_sink_base"], home["hp_sink_slope"], home["hp_sink_min"])
    cop = heat_pump.cop(t_out, sink, t_out, home["hp_cop_p1"], home["hp_cop_p2"], home["hp_cop_p3"], home["hp_cop_p4"])
    q_max = heat_pump.q_max(
        t_out, sink, t_out, home["hp_q_ref"], home["hp_pth_p1"], home["hp_pth_p2"], home["hp_pth_p3"], home["hp_pth_p4"]
    )
    return cop, q_max / cop


@njit(cache=True)
def step(
    home: Records,
    common: Records,
    series: Records,
    state: Records,
    battery_action: float,
    hp_action: float,
    a: F,
    b: F,
    a_mean: F,
    b_mean: F,
    value_el: float,
    value_heat: float,
    carbon_price: float,
    dt: float,
    work: F,
    terms: Records,
) -> None:
    """Advance one home and write what happened.

    p_grid = load + p_hp + p_battery - pv                                    [kW]
    reward = -(bill + carbon + discomfort + wear) + change of stored value   [EUR]

    home, common, series, state, terms: one record each (:mod:`entangrid.envs.layout`); state and terms are written.
    battery_action in [-1, 1] of the power limit, charging positive; hp_action in [-1, 1], from off to full power.
    a, b, a_mean, b_mean: the zone's step matrices (see zones.advance). value_el: price of the electricity that the
    battery can still deliver, value_heat: of heat in the building [EUR/kWh]. work (9,): scratch.
    The stored value is a potential of the state, so that it moves reward in time without changing which policy is
    best over an episode (Ng, Harada, Russell, ICML 1999), and the rewards of an episode sum to minus its objective.
    """
    t_out = common["t_out"]
    soc = state["soc"]
    heat_before = stored_heat_kwh(home, state)

    request = min(max(battery_action, -1.0), 1.0) * home["battery_p"]
    soc_after, p_battery = battery.step(
        soc,
        request,
        home["battery_e"],
        home["battery_p"],
        home["battery_eta_c"],
        home["battery_eta_d"],
        home["battery_self"],
        dt,
    )
    cop, p_max = hp_limits(home, t_out)
    share = 0.5 * (min(max(hp_action, -1.0), 1.0) + 1.0)
    p_hp = share * p_max
    q_hp = cop * p_hp

    x = work[0:2]
    x_next = work[2:4]
    x_mean = work[4:6]
    u = work[6:9]
    x[0] = state["t_air"]
    x[1] = state["t_mass"]
    u[0] = t_out
    u[1] = series["gains_air"] + home["hp_air_share"] * q_hp
    u[2] = series["gains_mass"] + (1.0 - home["hp_air_share"]) * q_hp
    zones.advance(x, u, a, b, a_mean, b_mean, x_next, x_mean)

    state["soc"] = soc_after
    state["t_air"] = x_next[0]
    state["t_mass"] = x_next[1]

    p_grid = series["load"] + p_hp + p_battery - series["pv"]
    bill = tariff.bill_eur(p_grid, common["price_import"], common["price_export"], dt)
    carbon_kg = max(p_grid, 0.0) * common["carbon"] * dt
    carbon = carbon_kg * carbon_price
    discomfort_kh = series["occupancy"] * zones.discomfort_k(x_mean[0], home["t_low"], home["t_high"]) * dt
    discomfort = discomfort_kh * home["discomfort_price"]
    drawn = max(-p_battery, 0.0) * dt / home["battery_eta_d"]
    wear = drawn * home["battery_wear"]
    stored = value_el * home["battery_eta_d"] * home["battery_e"] * (soc_after - soc) + value_heat * (
        stored_heat_kwh(home, state) - heat_before
    )

    terms["reward_eur"] = stored - (bill + carbon + discomfort + wear)
    terms["bill_eur"] = bill
    terms["carbon_eur"] = carbon
    terms["discomfort_eur"] = discomfort
    terms["wear_eur"] = wear
    terms["stored_value_eur"] = stored
    terms["p_grid_kw"] = p_grid
    terms["p_load_kw"] = series["load"]
    terms["p_pv_kw"] = series["pv"]
    terms["p_hp_kw"] = p_hp
    terms["p_battery_kw"] = p_battery
    terms["q_hp_kw"] = q_hp
    terms["q_loss_kw"] = home["ua_air_out"] * (x_mean[0] - t_out) + home["ua_mass_out"] * (x_mean[1] - t_out)
    terms["q_gains_kw"] = series["gains_air"] + series["gains_mass"]
    terms["carbon_kg"] = carbon_kg
    terms["discomfort_kh"] = discomfort_kh
    terms["t_air_mean_c"] = x_mean[0]
    terms["clipped_hp_kw"] = abs(0.5 * (hp_action + 1.0) - share) * p_max
    terms["clipped_battery_kw"] = abs(battery_action * home["battery_p"] - p_battery)

"""Figures "day" and "feeder": one day of operation of every arm, hour by hour."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from entangrid.experiments.figures.chart import Chart, Scale, around, legend, text_width, ticks

PANEL = 348  # px; panels stand side by side where there is room

#: Column of a run's first week -> what it is called, and its colour
POWERS = {
    "p_pv_kw": ("PV", "c3"),
    "p_load_kw": ("appliances", "c4"),
    "p_hp_kw": ("heat pump", "c7"),
    "p_ev_kw": ("vehicle", "c6"),
    "p_battery_kw": ("battery, charging > 0", "c1"),
}


def typical_day(week: pd.DataFrame) -> pd.DataFrame:
    """The day of a week [columns of a run's first week] with the median of PV."""
    date = week["time"].dt.normalize()
    whole = date.map(date.value_counts()) == date.value_counts().max()
    by_pv = week[whole].groupby(date[whole])["p_pv_kw"].sum().sort_values(kind="stable")
    chosen: pd.DataFrame = week[date == by_pv.index[len(by_pv) // 2]]
    return chosen


def shown_powers(days: Mapping[str, pd.DataFrame]) -> list[str]:
    """The powers that are not zero all day in every arm."""
    return [
        name
        for name in POWERS
        if any(name in day and float(np.abs(day[name].to_numpy(np.float64)).max()) > 1e-6 for day in days.values())
    ]


def day(label: str, days: Mapping[str, pd.DataFrame], width: int = PANEL) -> Chart:
    """One arm's day: powers above, indoor temperature and state of charge below. All arms share their axes."""
    frame = days[label]
    names = shown_powers(days)
    hours = _hours(frame)
    step = float(hours[1] - hours[0]) if len(hours) > 1 else 1.0
    chart = Chart(width, 344, _said(label, frame, names, step))
    left, right = 34.0, width - 34.0
    x = Scale(0.0, 24.0, left, right)
    top = legend(chart, [(POWERS[n][0], POWERS[n][1]) for n in names], 0, 12, width) + 30
    every = [v for d in days.values() for n in names if n in d for v in d[n].to_numpy(np.float64)]
    y = Scale(*around(every, keep=(0.0,)), 200, top)
    for start, end in ((top, 200.0), (240.0, 300.0)):
        _tariff(chart, x, frame, hours, step, start, end)
    chart.y_axis(y, left, right, "", 4)
    chart.text(0, top - 10, "kW", "axis")
    chart.line(left, y(0.0), right, y(0.0), "zero")
    for name in names:
        if name in frame:
            chart.path(_steps(x, y, hours, frame[name].to_numpy(np.float64), step), f"line thin {POWERS[name][1]}")
    _below(chart, x, frame, hours, days, left, right)
    for hour in range(0, 25, 6):
        chart.text(x(hour), 317, str(hour), "tick", "middle")
    chart.text((left + right) / 2, 336, "hour; shaded: highest tariff", "axis", "middle")
    return chart


def feeder(label: str, weeks: Mapping[str, pd.DataFrame], limits: tuple[float, float], width: int = PANEL) -> Chart:
    """One arm's first held-out week on the feeder: highest and lowest voltage of any bus, within the band."""
    frame = weeks[label]
    hours = _hours(frame)
    every = [float(v) for w in weeks.values() for name in ("feeder_v_min_pu", "feeder_v_max_pu") for v in w[name]]
    low, high = around(every, keep=limits)
    lowest, highest = float(frame["feeder_v_min_pu"].min()), float(frame["feeder_v_max_pu"].max())
    chart = Chart(width, 220, f"Voltages on the feeder under {label}: between {lowest:.3f} and {highest:.3f} pu.")
    x, y = Scale(0.0, float(hours[-1]), 44, width - 8), Scale(low, high, 176, 24)
    chart.y_axis(y, 44, width - 8, "voltage [pu]", 4)
    for limit in limits:
        chart.line(44, y(limit), width - 8, y(limit), "limit")
    pairs = [frame[name].to_numpy(np.float64) for name in ("feeder_v_min_pu", "feeder_v_max_pu")]
    up = [(x(float(h)), y(float(v))) for h, v in zip(hours, pairs[1], strict=True)]
    down = [(x(float(h)), y(float(v))) for h, v in zip(hours, pairs[0], strict=True)]
    chart.path([*up, *down[::-1]], "band c1", closed=True)
    chart.path(up, "line thin c1")
    chart.path(down, "line thin c1")
    for hour in np.arange(0.0, hours[-1], 24.0):
        chart.text(x(float(hour)), 194, str(int(hour // 24) + 1), "tick", "middle")
    chart.text((44 + width) / 2, 212, "day of the first held-out week", "axis", "middle")
    return chart


def _hours(frame: pd.DataFrame) -> np.ndarray:
    first = frame["time"].iloc[0].normalize()
    return np.asarray((frame["time"] - first).dt.total_seconds() / 3600.0, np.float64)


def _steps(x: Scale, y: Scale, hours: np.ndarray, values: np.ndarray, step: float) -> list[tuple[float, float]]:
    return [
        point
        for h, v in zip(hours, values, strict=True)
        for point in ((x(float(h)), y(float(v))), (x(float(h + step)), y(float(v))))
    ]


def _tariff(
    chart: Chart, x: Scale, frame: pd.DataFrame, hours: np.ndarray, step: float, top: float, end: float
) -> None:
    price = frame["price_import_eur_kwh"].to_numpy(np.float64)
    if price.max() - price.min() < 1e-9:
        return
    high = price >= price.max() - 1e-9
    first = 0
    while first < len(high):
        if not high[first]:
            first += 1
            continue
        last = first
        while last + 1 < len(high) and high[last + 1]:
            last += 1
        at = x(float(hours[first]))
        chart.add("rect", "shade", x=at, y=top, width=x(float(hours[last] + step)) - at, height=end - top)
        first = last + 1


def _below(
    chart: Chart,
    x: Scale,
    frame: pd.DataFrame,
    hours: np.ndarray,
    days: Mapping[str, pd.DataFrame],
    left: float,
    right: float,
) -> None:
    """Indoor temperature (axis at the left) and state of charge (at the right) under the powers."""
    every = [float(v) for d in days.values() for v in d["t_air_mean_c"]]
    t = Scale(*around(every, keep=(20.0, 22.0)), 300, 240)
    for tick in ticks(t.low, t.high, 3):
        chart.line(left, t(tick), right, t(tick), "grid")
        chart.text(left - 6, t(tick) + 4, f"{tick:g}", "tick", "end")
    chart.line(0, 221, 20, 221, "line thin c2")
    chart.text(26, 225, "indoors °C", "label")
    chart.path([(x(float(h)), t(float(v))) for h, v in zip(hours, frame["t_air_mean_c"], strict=True)], "line thin c2")
    soc = Scale(0.0, 1.0, 300, 240)
    if any("soc" in d and float(d["soc"].max()) > 1e-9 for d in days.values()):
        chart.path(
            [(x(float(h)), soc(float(v))) for h, v in zip(hours, frame["soc"], strict=True)], "line thin dash2 c1"
        )
        for share in (0.0, 0.5, 1.0):
            chart.text(right + 6, soc(share) + 4, f"{100 * share:.0f}", "tick")
        words = "charged %"
        chart.text(chart.width, 225, words, "label", "end")
        start = chart.width - text_width(words) - 26
        chart.line(start, 221, start + 20, 221, "line thin dash2 c1")


def _said(label: str, frame: pd.DataFrame, names: list[str], step: float) -> str:
    sums = ", ".join(
        f"{POWERS[n][0].split(',')[0]} {float(np.abs(frame[n]).sum() * step):.1f} kWh" for n in names if n in frame
    )
    t = frame["t_air_mean_c"]
    return f"{label} on {frame['time'].iloc[0]:%A, %d %B}: {sums}; indoors between {t.min():.1f} and {t.max():.1f} °C."

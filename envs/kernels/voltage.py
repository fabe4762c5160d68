"""Rules on a bus voltage [pu]: volt-watt curtailment of a generator and the voltage band."""

from entangrid.envs.kernels.jit import kernel


@kernel
def volt_watt_share(u: float, u_start: float, u_end: float, share_end: float) -> float:
    """Allowed power as a share of rated power: 1 up to ``u_start``, ``share_end`` from ``u_end``, linear between.

    The droop of IEEE 1547-2018, 5.4.2, doi:10.1109/IEEESTD.2018.8332112 (there 1.06 to 1.10 pu down to 0.2 by default).
    """
    if u <= u_start:
        return 1.0
    if u >= u_end:
        return share_end
    return 1.0 - (1.0 - share_end) * (u - u_start) / (u_end - u_start)


@kernel
def volt_watt(
    available: float, rated: float, share: float, u_before: float, u_start: float, u_end: float, share_end: float,
    response: float,
) -> tuple[float, float]:  # fmt: skip
    """Generator power after volt-watt curtailment [kW], from the *previous* step's voltage ``u_before``.

    Nothing is iterated within a step: the new share moves by ``response`` (0..1] of the way from the last share to the
    droop's, as a first-order filter would, and the generator gives at most share · rated. On a feeder so weak that one
    step's answer would overshoot (droop's slope times dU/dP above 1), a response below 1 settles where 1 keeps
    swinging. Returns (power, share for the next step); start with share = 1.
    """
    share += response * (volt_watt_share(u_before, u_start, u_end, share_end) - share)
    return min(available, share * rated), share


@kernel
def band_excess(u: float, u_low: float, u_high: float) -> float:
    """How far a voltage lies outside the band [pu]; 0 inside, above and below alike."""
    return max(u - u_high, u_low - u, 0.0)

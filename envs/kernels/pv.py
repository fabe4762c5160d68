"""PV at the inverter: curtailment by command and by voltage."""

from entangrid.envs.kernels import voltage
from entangrid.envs.kernels.jit import kernel
from entangrid.envs.layout import Records


@kernel
def available_kw(home: Records, pv_kw: float, vm: float, command: float) -> float:
    """PV power after curtailment [kW]: the smaller of the share commanded and the share that the voltage allows.

    pv_kw [kW]: what the sun would give. vm [pu]: voltage at the home's bus in the *last* step; volt-watt falls in a
    line from 1 at vw_start to 0 at vw_end (IEEE 1547-2018, 5.4.2, DOI 10.1109/IEEESTD.2018.8332112; as a share of the
    available, not the rated power), vw_end = 0: no such rule. command in [-1, 1]: from nothing to everything, the
    share is (command + 1) / 2; NaN, or a home whose PV is not curtailable (pv_curtailable = 0): everything.
    """
    share = 1.0
    if home["pv_curtailable"] > 0.0 and command == command:
        share = min(max(0.5 * (command + 1.0), 0.0), 1.0)
    if home["vw_end"] > 0.0 and vm > home["vw_start"]:
        share = min(share, voltage.volt_watt_share(vm, home["vw_start"], home["vw_end"], 0.0))
    return share * pv_kw

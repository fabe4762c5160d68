"""One name or path in, one scenario out."""

import difflib
import functools
from pathlib import Path

from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario

BUNDLED = ("bundled-home", "bundled-house", "bundled-zones", "bundled-battery")
FORMS = ("synthetic:homes=26,days=92,seed=0", "citylearn:FOLDER", "mapped:FILE.yaml")


def load(name: str | Path) -> Scenario:
    """Return the scenario ``name``.

    =============================== ===================================================================
    name                            what comes back
    =============================== ===================================================================
    bundled-home                    :func:`entangrid.data.sources.bundled.bundled_home`
    bundled-house                   :func:`entangrid.data.sources.bundled_house.bundled_house`
    bundled-zones                   :func:`entangrid.data.sources.bundled_zones.bundled_zones`
    bundled-battery                 :func:`entangrid.data.sources.bundled_battery.bundled_battery`
    synthetic:homes=26,days=92,...  :func:`entangrid.data.sources.synthetic.synthetic`
    citylearn:FOLDER                :func:`entangrid.data.sources.citylearn.load_citylearn`
    mapped:FILE.yaml                :func:`entangrid.data.sources.mapped.load_mapped`
    path of a folder                :func:`entangrid.data.sources.tables.load_folder`
    =============================== ===================================================================

    Raises ``InputError`` for a name that is none of these, listing what is known, and for content that does not fit.
    """
    text = str(name)
    if text in BUNDLED:
        return _bundled(text)
    if text == "synthetic" or text.startswith("synthetic:"):
        from entangrid.data.sources.synthetic import from_text

        return from_text(text.removeprefix("synthetic").removeprefix(":"))
    if isinstance(name, str) and name.startswith("citylearn:"):
        from entangrid.data.sources.citylearn import load_citylearn

        return load_citylearn(name.removeprefix("citylearn:"))
    if isinstance(name, str) and name.startswith("mapped:"):
        from entangrid.data.sources.mapped import load_mapped

        return load_mapped(name.removeprefix("mapped:"))
    if Path(name).is_dir():
        from entangrid.data.sources.tables import load_folder

        return load_folder(name)
    near = difflib.get_close_matches(text, BUNDLED, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise InputError(
        f"scenario {text!r} is not known{hint}; known: {', '.join((*BUNDLED, *FORMS))}, or the path of a folder"
    )


@functools.cache  # scenarios are immutable, and reading a year of weather takes a second
def _bundled(name: str) -> Scenario:
    if name == "bundled-house":
        from entangrid.data.sources.bundled_house import bundled_house

        return bundled_house()
    if name == "bundled-zones":
        from entangrid.data.sources.bundled_zones import bundled_zones

        return bundled_zones()
    if name == "bundled-battery":
        from entangrid.data.sources.bundled_battery import bundled_battery

        return bundled_battery()
    from entangrid.data.sources.bundled import bundled_home

    return bundled_home()

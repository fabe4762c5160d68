"""One name or path in, one scenario out."""

import difflib
from pathlib import Path

from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario

BUNDLED = ("bundled-home",)


def load(name: str | Path) -> Scenario:
    """Return the scenario ``name``: "bundled-home", or the path of a scenario folder.

    Folders: :func:`entangrid.data.sources.tables.load_folder`. Raises ``InputError`` for a name that is neither,
    listing what is known, and for a folder whose content does not fit.
    """
    if str(name) == "bundled-home":
        from entangrid.data.sources.bundled import bundled_home

        return bundled_home()
    if Path(name).is_dir():
        from entangrid.data.sources.tables import load_folder

        return load_folder(name)
    near = difflib.get_close_matches(str(name), BUNDLED, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise InputError(f"scenario {str(name)!r} is not known{hint}; known: {', '.join(BUNDLED)}, or the path of a folder")

"""Where a CityLearn folder is, and at which state of charge its batteries start."""

import json
from pathlib import Path

from entangrid.data.errors import InputError


def folder_of(path: Path) -> Path:
    """The folder of a CityLearn data set, given as folder or as its schema.json.

    Raises ``InputError`` unless there is a schema.json.
    """
    if path.is_file() and path.name == "schema.json":
        return path.parent
    if not (path / "schema.json").is_file():
        raise InputError(f"{path}: expected a folder with schema.json in CityLearn's format, or that file")
    return path


def initial_share(folder: Path) -> float:
    """State of charge at the beginning as a share of what can be used; 0 unless the schema says otherwise.

    For a folder that :func:`~entangrid.data.sources.citylearn.load_citylearn` takes; buildings without a battery do not
    count. CityLearn's ``initial_soc`` is a share of the whole capacity, of which 1 - ``depth_of_discharge`` stays.
    Raises ``InputError`` if the batteries start at different states, or at a state outside 0 to 1.
    """
    file = folder / "schema.json"
    shares: dict[str, float] = {}
    for name, building in json.loads(file.read_text(encoding="utf-8-sig"))["buildings"].items():
        given = (building.get("electrical_storage") or {}).get("attributes") or {}
        if building.get("include", True) and given.get("capacity"):
            unused = 1.0 - float(given.get("depth_of_discharge") or 1.0)
            start = given.get("initial_soc")
            if isinstance(start, bool) or not isinstance(start, (int, float, type(None))) or not 0 <= (start or 0) <= 1:
                where = f"{file}: buildings.{name}.electrical_storage.attributes.initial_soc"
                raise InputError(f"{where}: {start!r}, expected 0 to 1")
            shares[name] = round((max(start or 0.0, unused) - unused) / max(1.0 - unused, 1e-9), 9)
    if len(set(shares.values())) > 1:
        one, two = min(shares, key=lambda name: shares[name]), max(shares, key=lambda name: shares[name])
        raise InputError(
            f"{file}: buildings.{one} and {two}: their batteries start at {shares[one]:g} and {shares[two]:g} of what "
            "can be used; expected one initial_soc for all"
        )
    return next(iter(shares.values()), 0.0)

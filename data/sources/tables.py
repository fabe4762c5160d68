"""A scenario as a folder of text files that a spreadsheet can open, read with checks and written without loss.

================ ==================================================================================================
file             content
================ ==================================================================================================
scenario.yaml    ``name``, ``utc_offset_h`` [h]; optional: ``timezone`` (IANA name, for the wall clock's hour and
                 weekday), ``dt_h`` (the step [h], else taken from the times), ``provenance`` (text by name)
common.csv       ``time, t_out_c, price_import_eur_kwh, price_export_eur_kwh, carbon_kg_kwh``; optional: ``hour,
                 weekday`` (wall clock, instead of ``timezone``)
homes.csv        ``home`` and the parameter columns, one row per home
home_NAME.csv    ``time, load_kw``; optional: ``pv_kw``, ``gains_air_kw``, ``gains_mass_kw`` (else 0), ``occupancy``
                 (else 1)
================ ==================================================================================================

Comma-separated, decimal point, UTF-8. Times: :mod:`entangrid.data.times`.
"""

import csv
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from entangrid.data.checks import Origin, first_unknown
from entangrid.data.errors import InputError
from entangrid.data.scenario import COMMON_COLUMNS, HOME_COLUMNS, WALL_CLOCK_COLUMNS, Scenario

KEYS = ("name", "utc_offset_h", "timezone", "dt_h", "provenance")


def load_folder(path: str | Path) -> Scenario:
    """Return the scenario in the folder ``path``.

    Raises ``InputError`` naming file, row, column and value of the first thing that does not fit.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    head = _read_head(folder / "scenario.yaml")
    common = read_table(folder / "common.csv")
    homes = read_table(folder / "homes.csv")
    if "home" not in homes.columns:
        raise InputError(f"{folder / 'homes.csv'}: row 1, column 'home' is missing; found {', '.join(homes.columns)}")
    homes = homes.set_index("home")
    known = {f"home_{name}.csv": str(name) for name in homes.index}
    for file in sorted(folder.glob("home_*.csv")):
        if file.name not in known:
            raise InputError(f"{file}: homes.csv has no home {file.stem.removeprefix('home_')!r} in column 'home'")
    source = {"common": Origin(str(folder / "common.csv"), 2), "homes": Origin(str(folder / "homes.csv"), 2)}
    frames = {}
    for position, (file_name, name) in enumerate(known.items()):
        if not (folder / file_name).is_file():
            raise InputError(f"{source['homes'].place(position, 'home')}: {name!r} has no file {folder / file_name}")
        frames[name] = read_table(folder / file_name)
        source[name] = Origin(str(folder / file_name), 2)
    return Scenario.from_frames(
        common,
        frames,
        homes,
        name=head["name"],
        utc_offset_h=head["utc_offset_h"],
        timezone=head.get("timezone"),
        dt_h=head.get("dt_h"),
        provenance=head.get("provenance") or {"folder": folder.name},
        source=source,
    )


def read_table(path: Path) -> pd.DataFrame:
    """Return a comma-separated file as a frame of text, row i being line i + 2 of the file.

    Raises ``InputError`` for a file that is missing, empty or not UTF-8, and for a line of the wrong length.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as comma-separated UTF-8 text: {error}") from error
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    if not rows:
        raise InputError(f"{path}: the file is empty, expected a header in row 1")
    header = [cell.strip() for cell in rows[0]]
    if len(header) == 1 and ";" in header[0]:
        raise InputError(f"{path}: row 1: the columns are separated by ';', expected ',' (and decimal points)")
    for position, name in enumerate(header):
        if not name or name in header[:position]:
            problem = "is there twice" if name else f"(number {position + 1}) has no name"
            raise InputError(f"{path}: row 1, column {name!r} {problem}")
    for line, row in enumerate(rows[1:], start=2):
        if not row:
            raise InputError(f"{path}: row {line}, column {header[0]!r}: blank line")
        if len(row) != len(header):
            last = header[min(len(row), len(header) - 1)]
            raise InputError(f"{path}: row {line}, column {last!r}: {len(row)} cells, but the header has {len(header)}")
    if len(rows) == 1:
        raise InputError(f"{path}: no rows below the header (column {header[0]!r} is empty)")
    columns = list(zip(*rows[1:], strict=True))
    frame = pd.concat([pd.Series(column, dtype=object) for column in columns], axis=1)
    frame.columns = pd.Index(header)
    return frame


def _read_head(path: Path) -> dict[str, Any]:
    try:
        head = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(head, dict):
        raise InputError(f"{path}: expected keys and values, such as 'name: my-home'")
    unknown = first_unknown({str(key): value for key, value in head.items()}, KEYS)
    if unknown:
        raise InputError(f"{path}: key {unknown}")
    if not isinstance(head.get("name"), str) or not head["name"]:
        raise InputError(f"{path}: name is {head.get('name')!r}, expected text")
    for key in ("utc_offset_h", "dt_h"):
        number = isinstance(head.get(key), (int, float)) and not isinstance(head.get(key), bool)
        if not number and (key == "utc_offset_h" or head.get(key) is not None):
            raise InputError(f"{path}: {key} is {head.get(key)!r}, expected a number of hours")
    if head.get("timezone") is not None and not isinstance(head["timezone"], str):
        raise InputError(f"{path}: timezone is {head['timezone']!r}, expected an IANA name such as Europe/Berlin")
    if not isinstance(head.get("provenance") or {}, dict):
        raise InputError(f"{path}: provenance is {head['provenance']!r}, expected text by name")
    return head


def save_folder(scenario: Scenario, path: str | Path) -> None:
    """Write ``scenario`` so that :func:`load_folder` gives it back bit for bit.

    The folder appears complete or not at all. Raises ``InputError`` if ``path`` exists or its parent does not.
    """
    folder = Path(path)
    if folder.exists() or folder.is_symlink():
        raise InputError(f"{folder}: exists already; give a new folder")
    if not folder.parent.is_dir():
        raise InputError(f"{folder}: there is no folder {folder.parent} to write into")
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(scenario, unfinished)
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _write(scenario: Scenario, folder: Path) -> None:
    head = {
        "name": scenario.name,
        "utc_offset_h": scenario.utc_offset_h,
        "dt_h": scenario.dt_h,
        "provenance": dict(scenario.provenance),
    }
    (folder / "scenario.yaml").write_text(yaml.safe_dump(head, sort_keys=False, allow_unicode=True), encoding="utf-8")
    times = [time.isoformat(sep=" ") for time in scenario.index]
    common = {column: getattr(scenario, column) for column in (*COMMON_COLUMNS, *WALL_CLOCK_COLUMNS)}
    _to_csv(pd.DataFrame({"time": times, **common}), folder / "common.csv")
    _to_csv(scenario.homes.reset_index(), folder / "homes.csv")
    for h, home in enumerate(scenario.home_names):
        series = {column: getattr(scenario, column)[:, h] for column in HOME_COLUMNS}
        _to_csv(pd.DataFrame({"time": times, **series}), folder / f"home_{home}.csv")


def _to_csv(frame: pd.DataFrame, path: Path) -> None:
    # Without a format pandas writes the shortest text that gives the same double back.
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")

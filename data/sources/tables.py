"""A scenario as a folder of files, read with checks and written without loss.

The tables are text that a spreadsheet can open or, smaller and quicker, Parquet: ``common.parquet`` and so on, with the
same columns, times as time stamps or text, numbers as numbers.

================ ==================================================================================================
file             content
================ ==================================================================================================
scenario.yaml    ``name``, ``utc_offset_h`` [h]; optional: ``timezone`` (IANA name, for the wall clock's hour and
                 weekday), ``dt_h`` (the step [h], else taken from the times), ``provenance`` (text by name)
common.csv       ``time, t_out_c, price_import_eur_kwh, price_export_eur_kwh, carbon_kg_kwh``; optional: ``hour,
                 weekday`` (wall clock, instead of ``timezone``), ``grid_available`` (else 1)
homes.csv        ``home`` and the parameter columns, one row per home
home_NAME.csv    ``time, load_kw``; optional: ``pv_kw``, ``gains_air_kw``, ``gains_mass_kw`` (else 0), ``occupancy``
                 (else 1), ``dhw_kw``, ``vehicle_home``, ``vehicle_trip_kwh``, ``appliance1_ready``,
                 ``appliance2_ready`` (else 0), ``occupancy_meter`` (else ``occupancy``)
================ ==================================================================================================

CSV: comma-separated, decimal point, UTF-8. Times: :mod:`entangrid.data.times`.
"""

import csv
import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml

from entangrid.data.checks import Origin, first_unknown
from entangrid.data.columns import COMMON_COLUMNS, HOME_COLUMNS, OPTIONAL_COMMON, OPTIONAL_HOME, WALL_CLOCK_COLUMNS
from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario

Format = Literal["csv", "parquet"]
FORMATS: tuple[Format, ...] = ("csv", "parquet")

KEYS = ("name", "utc_offset_h", "timezone", "dt_h", "provenance")


def load_folder(path: str | Path, format: Format | None = None) -> Scenario:
    """Return the scenario in the folder ``path``.

    format: "csv" or "parquet"; without it, the one that the folder has. Raises ``InputError`` naming file, row, column
    and value of the first thing that does not fit, and for a folder with both.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    head = _read_head(folder / "scenario.yaml")
    kind = _format_of(folder, format)
    # Lines can be counted in text only; in Parquet a row is named by its time.
    first_line = 2 if kind == "csv" else None
    read = read_table if kind == "csv" else read_parquet
    common_file, homes_file = folder / f"common.{kind}", folder / f"homes.{kind}"
    common, homes = read(common_file), read(homes_file)
    if "home" not in homes.columns:
        found = ", ".join(map(str, homes.columns))
        raise InputError(f"{homes_file}: row 1, column 'home' is missing; found {found}")
    homes = homes.set_index("home")
    known = {f"home_{name}.{kind}": str(name) for name in homes.index}
    for file in sorted(folder.glob(f"home_*.{kind}")):
        if file.name not in known:
            home = file.stem.removeprefix("home_")
            raise InputError(f"{file}: {homes_file.name} has no home {home!r} in column 'home'")
    source = {"common": Origin(str(common_file), first_line), "homes": Origin(str(homes_file), first_line)}
    frames = {}
    for position, (file_name, name) in enumerate(known.items()):
        if not (folder / file_name).is_file():
            raise InputError(f"{source['homes'].place(position, 'home')}: {name!r} has no file {folder / file_name}")
        frames[name] = read(folder / file_name)
        source[name] = Origin(str(folder / file_name), first_line)
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


def _format_of(folder: Path, asked: Format | None) -> Format:
    if asked is not None:
        if asked not in FORMATS:
            raise InputError(f"format is {asked!r}, expected 'csv' or 'parquet'")
        return asked
    there = [kind for kind in FORMATS if (folder / f"common.{kind}").is_file()]
    if len(there) == 2:
        raise InputError(f"{folder}: has common.csv and common.parquet; say format='csv' or format='parquet'")
    return there[0] if there else "csv"


def read_parquet(path: Path) -> pd.DataFrame:
    """Return a Parquet file as a frame; an index that was saved with it becomes a column."""
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {' '.join(str(error).split())}") from error
    if frame.index.name is not None:
        frame = frame.reset_index()
    if frame.empty:
        raise InputError(f"{path}: no rows (columns {', '.join(map(str, frame.columns)) or 'none'})")
    return frame


def _read_head(path: Path) -> dict[str, Any]:
    try:
        head = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
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


def save_folder(scenario: Scenario, path: str | Path, format: Format = "csv") -> None:
    """Write ``scenario`` so that :func:`load_folder` gives it back bit for bit.

    format: "csv" or "parquet". The folder appears complete or not at all. Raises ``InputError`` if ``path`` exists or
    its parent does not.
    """
    if format not in FORMATS:
        raise InputError(f"format is {format!r}, expected 'csv' or 'parquet'")
    folder = Path(path)
    if folder.exists() or folder.is_symlink():
        raise InputError(f"{folder}: exists already; give a new folder")
    if not folder.parent.is_dir():
        raise InputError(f"{folder}: there is no folder {folder.parent} to write into")
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(scenario, unfinished, format)
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _write(scenario: Scenario, folder: Path, kind: Format) -> None:
    head = {
        "name": scenario.name,
        "utc_offset_h": scenario.utc_offset_h,
        "dt_h": scenario.dt_h,
        "provenance": dict(scenario.provenance),
    }
    (folder / "scenario.yaml").write_text(yaml.safe_dump(head, sort_keys=False, allow_unicode=True), encoding="utf-8")
    text = kind == "csv"
    write = _to_csv if text else _to_parquet
    times: object = [time.isoformat(sep=" ") for time in scenario.index] if text else scenario.index
    shared = (*COMMON_COLUMNS, *WALL_CLOCK_COLUMNS, *OPTIONAL_COMMON)
    common = {column: getattr(scenario, column) for column in shared if not scenario.at_default(column)}
    write(pd.DataFrame({"time": times, **common}), folder / f"common.{kind}")
    write(scenario.homes.reset_index(), folder / f"homes.{kind}")
    for h, home in enumerate(scenario.home_names):
        own = [c for c in (*HOME_COLUMNS, *OPTIONAL_HOME) if not scenario.at_default(c, h)]
        series = {column: getattr(scenario, column)[:, h] for column in own}
        write(pd.DataFrame({"time": times, **series}), folder / f"home_{home}.{kind}")


def _to_csv(frame: pd.DataFrame, path: Path) -> None:
    # Without a format pandas writes the shortest text that gives the same double back.
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _to_parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, engine="pyarrow", index=False)

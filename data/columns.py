"""The columns of a scenario: which must be there, what stands in for those that are left out."""

#: Of all homes together, (T,).
COMMON_COLUMNS = ("t_out_c", "price_import_eur_kwh", "price_export_eur_kwh", "carbon_kg_kwh")
WALL_CLOCK_COLUMNS = ("hour", "weekday")
#: Of each home, (T, H): left out of files, they are these constants.
HOME_DEFAULTS = {"pv_kw": 0.0, "occupancy": 1.0, "gains_air_kw": 0.0, "gains_mass_kw": 0.0}
HOME_COLUMNS = ("load_kw", *HOME_DEFAULTS)
#: Columns that few scenarios have, (T,) and (T, H). They are in files and in the hash only where they differ from these
#: defaults; a name stands for another column of the same home.
OPTIONAL_COMMON: dict[str, float] = {"grid_available": 1.0}
OPTIONAL_HOME: dict[str, float | str] = {
    "dhw_kw": 0.0,
    "vehicle_home": 0.0,
    "vehicle_trip_kwh": 0.0,
    "appliance1_ready": 0.0,
    "appliance2_ready": 0.0,
    "occupancy_meter": "occupancy",
}
OPTIONAL_COLUMNS = (*OPTIONAL_HOME, *OPTIONAL_COMMON)
PER_HOME = frozenset((*HOME_COLUMNS, *OPTIONAL_HOME))

"""The files in ``data/bundled``, found wherever the package is installed."""

import gzip
from importlib.resources import files
from io import BytesIO

import pandas as pd


def bundled_csv(path: str) -> pd.DataFrame:
    """Return ``data/bundled/<path>`` (``.csv`` or ``.csv.gz``) as a frame."""
    resource = files("entangrid.data.bundled").joinpath(*path.split("/"))
    content = resource.read_bytes()
    return pd.read_csv(BytesIO(gzip.decompress(content) if path.endswith(".gz") else content))

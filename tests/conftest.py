"""Settings that all tests share."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("MPLBACKEND", "Agg")

# "quick" is for the coverage run, in which the kernels are interpreted
common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "derandomize": True}
settings.register_profile("full", max_examples=1_000, **common)
settings.register_profile("quick", max_examples=40, **common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "full"))


@pytest.fixture(scope="session", autouse=True)
def loggers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """SB3 makes a folder for the logger of every training that has none of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SB3_LOGDIR", str(tmp_path_factory.mktemp("sb3")))
        yield

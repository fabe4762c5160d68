"""Settings that all tests share."""

import os

from hypothesis import HealthCheck, settings

os.environ.setdefault("MPLBACKEND", "Agg")

# "quick" is for the coverage run, in which the kernels are interpreted
common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "derandomize": True}
settings.register_profile("full", max_examples=1_000, **common)
settings.register_profile("quick", max_examples=40, **common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "full"))

"""A published saving that a study holds its own numbers against."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from entangrid.experiments.config.base import Model, Name

#: Metrics of a week that a saving can be a share of.
Saved = Literal["import", "demand", "heat_pump", "cost", "carbon"]


class ClaimConfig(Model):
    """A claimed reduction, and the comfort at which it is looked for."""

    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+/[A-Za-z0-9_-]+$", max_length=200)] = Field(
        description="TARGET/KEY of the file of claimed numbers, such as nengroo2025-like/energy_ddpg"
    )
    metric: Saved = Field("import", description="of which the reduction is said to be")
    reduction: float | None = Field(None, gt=0.0, lt=1.0, description="as a share; null is the file's number")
    baseline: Name | None = Field(None, description="the arm that savings are against; null is no control")
    discomfort_kh: float | None = Field(
        None, ge=0.0, le=1e4, description="most discomfort a home and week [K h]; null is the baseline's own"
    )

    @model_validator(mode="after")
    def _is_known(self) -> ClaimConfig:
        from entangrid.experiments.reproduce import claims

        known = claims.shares()
        if self.source not in known:
            raise ValueError(f"source is {self.source!r}; expected one of {', '.join(known)}")
        return self

    @property
    def share(self) -> float:
        """The claimed reduction as a share."""
        if self.reduction is not None:
            return self.reduction
        from entangrid.experiments.reproduce import claims

        target, key = self.source.split("/")
        return claims.load(target)[key].value / 100.0

    @property
    def said(self) -> str:
        """What is claimed and where: "less power consumption than DDPG (abstract of doi:...)"."""
        from entangrid.experiments.reproduce import claims

        target, key = self.source.split("/")
        found = claims.load(target)[key]
        return f"{found.metric} ({found.source})"

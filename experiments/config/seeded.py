"""What every arm with seeds has, whether it learns by gradients or by search; and the arms that search."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from entangrid import agents
from entangrid.experiments.config.base import Model, Share


class ArmTask(Model):
    """In what one arm's task departs from the study's: how it acts, or what it sees of the occupants. null is alike."""

    action_set: Literal["continuous", "discrete", "multi-discrete"] | None = Field(
        None, description="numbers, every combination of levels, or levels of each control"
    )
    occupancy: Literal["true", "noisy", "meter"] | None = Field(
        None, description="what this arm sees of the occupancy, in training and in the test"
    )
    occupancy_accuracy: Share | None = Field(None, description="of the noisy estimate; 0.5 is no information")

    @property
    def said(self) -> dict[str, Any]:
        """The fields that are not the study's."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class SeededArm(Model):
    """An arm that is made anew for each seed."""

    controller: str
    seeds: int | None = Field(
        None, ge=1, le=100_000, description="so many of training.seeds, from the first on; null is all of them"
    )
    task: ArmTask | None = Field(None, description="in what this arm's task departs from the study's; null is nothing")

    @model_serializer(mode="wrap")
    def _said_alone(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        quiet = self.quiet()
        return {name: value for name, value in serialise(self).items() if name not in quiet or value is not None}

    @classmethod
    def quiet(cls) -> frozenset[str]:
        """Fields that are not written while they are null."""
        return frozenset({"task"})


class SearchedArm(SeededArm):
    """A rule with tuned numbers, or a linear policy, found by the cross-entropy method with the study's steps."""

    controller: str = Field(description="which one", json_schema_extra={"enum": [*agents.SEARCHED]})
    population: int | None = Field(None, ge=4, le=100_000, description="candidates of a generation; null is its own")
    episodes: int = Field(1, ge=1, le=100_000, description="that every candidate plays in a generation")

    @property
    def options(self) -> dict[str, Any]:
        """What the controller is given beside task and seed."""
        own = {} if self.population is None else {"population": self.population}
        return own | {"episodes": self.episodes}


__all__ = ["ArmTask", "SearchedArm", "SeededArm"]

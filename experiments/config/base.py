"""What every part of a study's configuration is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator


class Model(BaseModel):
    """Frozen, no unknown fields, no conversions: "1" is no number, and true no 1."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


#: Of a study and of an arm: what is safe in the name of a folder.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Layer = Annotated[int, Field(ge=1, le=4096)]
Layers = Annotated[list[Layer], Field(max_length=8)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Positive = Annotated[float, Field(gt=0.0, le=1e3)]
NotNegative = Annotated[float, Field(ge=0.0, le=1e3)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

_MARK = "«"


def one_of(choose: Callable[[Any], str], **kinds: Any) -> Any:
    """A union whose member ``choose`` names by looking at the value, so that errors are about that member alone."""
    union: Any = None
    for name, kind in kinds.items():
        member = Annotated[kind, Tag(f"{_MARK}{name}")]  # type: ignore[valid-type]
        union = member if union is None else union | member
    return Annotated[union, Discriminator(lambda value: f"{_MARK}{choose(value)}")]


def is_tag(part: Any) -> bool:
    """Whether a part of an error's location is the name of a union's member, which stands in nobody's file."""
    return isinstance(part, str) and part.startswith(_MARK)


def _mapping_or_list(value: Any) -> str:
    return "list" if isinstance(value, list) else "mapping"


class SeedRange(Model):
    """So many seeds in a row."""

    count: int = Field(ge=1, le=100_000, description="how many seeds")
    first: Seed = Field(0, description="the first of them")


if TYPE_CHECKING:
    Seeds = list[int] | SeedRange
else:
    Seeds = one_of(
        _mapping_or_list, list=Annotated[list[Seed], Field(min_length=1, max_length=100_000)], mapping=SeedRange
    )


def seed_list(seeds: list[int] | SeedRange) -> list[int]:
    """The seeds that a `Seeds` field means."""
    return list(range(seeds.first, seeds.first + seeds.count)) if isinstance(seeds, SeedRange) else list(seeds)


def distinct(seeds: Any) -> Any:
    """Raise ValueError where a seed stands twice."""
    listed = seed_list(seeds)
    if len(set(listed)) != len(listed):
        raise ValueError(f"seeds {listed if len(listed) < 20 else '...'} are not distinct")
    return seeds


class Range(Model):
    """Numbers from low to high, for a random search."""

    low: float = Field(description="the smallest")
    high: float = Field(description="the largest")
    log: bool = Field(False, description="evenly in the logarithm")
    whole: bool = Field(False, description="whole numbers only")

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        if self.log and self.low <= 0.0:
            raise ValueError(f"low is {self.low:g}; expected a number above 0 where log is true")
        if self.whole and (self.low != round(self.low) or self.high != round(self.high)):
            raise ValueError(f"low {self.low:g} and high {self.high:g} are not whole")
        return self


Choice = bool | int | float | str | list[Any] | dict[str, Any] | None
Choices = Annotated[list[Choice], Field(min_length=1, max_length=10_000)]
if TYPE_CHECKING:
    Search = list[Choice] | Range
else:
    Search = one_of(_mapping_or_list, list=Choices, mapping=Range)
#: A field of the study, its parts joined by dots: ``ppo.learning_rate``, ``arms.quantum.circuit.n_layers``.
Path = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", max_length=200)]

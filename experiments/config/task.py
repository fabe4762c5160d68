"""What every arm of a study is given alike: scenario, task, weeks and homes, and the budget of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from entangrid.experiments.config.base import Model, Seed, SeedRange, Seeds, Share, distinct, one_of, seed_list

#: How a task may be called -> its registered name.
TASK_NAMES = {
    "home": "Home-v0",
    "thermostat": "Thermostat-v0",
    "battery": "Battery-v0",
    "feeder": "Feeder-v0",
}
#: Registered tasks without homes, weeks and EUR, which this evaluator does not measure.
OTHER_TASKS = {"charging": "Charging-v0", "dispatch": "Dispatch-v0"}


class SyntheticConfig(Model):
    """Made-up homes: arguments of ``entangrid.data.synthetic``."""

    homes: int = Field(26, ge=1, le=10_000, description="number of homes")
    days: int = Field(92, ge=1, le=3_660, description="length [days]")
    seed: int = Field(0, ge=0, le=2**63 - 1, description="of everything that is made up")
    dt_h: float = Field(0.25, ge=5.0 / 60.0, le=1.0, description="step [h]")
    start: str = Field("2015-01-05", pattern=r"^\d{4}-\d{2}-\d{2}$", description="first day")
    climate: Literal["temperate", "continental", "mediterranean"] = Field("temperate", description="of the weather")
    tanks: Share = Field(0.0, description="share of homes with a hot-water tank")
    vehicles: Share = Field(0.0, description="share of homes with a vehicle")
    v2h: Share = Field(0.0, description="share of vehicles that may give energy back")
    appliances: Share = Field(0.0, description="share of homes with appliances that may wait")
    cooling: Share = Field(0.0, description="share of heat pumps that cool")
    zones: int = Field(1, ge=1, le=3, description="thermal zones of a home")
    ageing: bool = Field(False, description="batteries age instead of a price per kWh")
    curtailable: bool = Field(False, description="PV may be curtailed")
    outages: float = Field(0.0, ge=0.0, le=365.0, description="of the grid, mean number a year")
    tariff: Literal["tou", "flat", "dynamic", "block", "demand"] = Field("tou", description="of imported electricity")
    carbon: Literal["flat", "hourly"] = Field("flat", description="intensity of imported electricity")
    meter_occupancy: bool = Field(False, description="what agents may see of the occupancy is inferred from the load")

    def text(self) -> str:
        """The name that ``entangrid.data.load`` takes."""
        given = [f"homes={self.homes}", f"days={self.days}", f"seed={self.seed}"]
        for name, value in self.model_dump(exclude={"homes", "days", "seed"}).items():
            if value != type(self).model_fields[name].default:
                given.append(f"{name}={int(value) if isinstance(value, bool) else value}")
        return "synthetic:" + ",".join(given)


class SyntheticScenario(Model):
    """A scenario of made-up homes."""

    synthetic: SyntheticConfig = Field(description="arguments of the generator")


def _kind(value: Any) -> str:
    return "mapping" if isinstance(value, dict | SyntheticScenario) else "text"


if TYPE_CHECKING:
    ScenarioConfig = str | SyntheticScenario
else:
    ScenarioConfig = one_of(_kind, text=Annotated[str, Field(min_length=1, max_length=1000)], mapping=SyntheticScenario)


def scenario_text(scenario: str | SyntheticScenario) -> str:
    """The name that ``entangrid.data.load`` takes."""
    return scenario if isinstance(scenario, str) else scenario.synthetic.text()


class FeederRulesConfig(Model):
    """Limits of the feeder, and what it costs to leave them."""

    v_low_pu: float = Field(0.9, gt=0.0, le=2.0, description="lower end of the voltage band [pu]")
    v_high_pu: float = Field(1.1, gt=0.0, le=2.0, description="upper end [pu]")
    violation_eur_pu_h: float = Field(100.0, ge=0.0, le=1e6, description="per pu outside the band, home and hour")
    overload_eur_pu_h: float = Field(10.0, ge=0.0, le=1e6, description="per rating exceeded, and hour")
    ageing_eur_h: float = Field(0.056, ge=0.0, le=1e6, description="an hour of the transformer's life")
    method: Literal["distflow", "lindistflow"] = Field("distflow", description="power flow with or without losses")


def _registered(name: Any) -> Any:
    return TASK_NAMES.get(name.removesuffix("-v0").lower(), name) if isinstance(name, str) else name


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _once_each(names: list[str]) -> list[str]:
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{twice[0]!r} stands twice")
    return names


class TaskConfig(Model):
    """What is controlled and seen, and what it costs; a task's name alone, such as ``task: battery``, will do."""

    name: Annotated[
        Literal["Home-v0", "Thermostat-v0", "Battery-v0", "Feeder-v0"],
        BeforeValidator(lambda name: _registered(name.removeprefix("entangrid/") if isinstance(name, str) else name)),
    ] = Field("Home-v0", description="a registered task, also without version: home, thermostat, battery, feeder")
    control: Literal["joint", "per-home"] = Field(
        "joint", description="one policy that sees and controls all homes at once, or the same one for each by itself"
    )
    action_set: Literal["continuous", "discrete", "multi-discrete"] = Field(
        "continuous", description="numbers, every combination of levels, or levels of each control"
    )
    controls: Annotated[list[str], AfterValidator(_once_each)] | None = Field(
        None, min_length=1, max_length=16, description="what the agent controls; null is every device of the scenario"
    )
    observation_set: Literal["local", "forecast", "feeder"] = Field(
        "local", description="a home's own entries; with forecasts; with those and the feeder's state"
    )
    forecast: Literal["perfect", "persistence", "noisy"] = Field("perfect", description="how good forecasts are")
    forecast_h: list[Annotated[float, Field(gt=0.0, le=168.0)]] = Field(
        [1.0, 3.0, 6.0, 12.0, 24.0], min_length=1, max_length=48, description="lead times [h]"
    )
    forecast_sigma: float = Field(0.2, ge=0.0, le=10.0, description="error at 24 h, in ranges of the entry")
    occupancy: Literal["true", "noisy", "meter"] = Field("true", description="what the agent sees of the occupancy")
    occupancy_accuracy: Share = Field(0.9, description="of the noisy estimate")
    carbon_price_eur_kg: float = Field(0.0, ge=0.0, le=10.0, description="of imported electricity's carbon")
    comfort_weight: float = Field(1.0, ge=0.0, le=100.0, description="factor on every home's price of discomfort")
    feeder: str | None = Field(
        None, min_length=1, max_length=1000, description="a bundled feeder or a folder of tables"
    )
    home_bus: list[str | int] | None = Field(None, min_length=1, max_length=10_000, description="a bus for each home")
    feeder_rules: FeederRulesConfig | None = Field(None, description="limits and prices; null is the defaults")


class HomesConfig(Model):
    """Which homes are trained on and which are held out; without it, all of them are in every set."""

    test_share: float = Field(
        0.0, ge=0.0, lt=1.0, description="of the clusters of homes with the same load profile, held out for the test"
    )
    validation_share: float = Field(0.0, ge=0.0, lt=1.0, description="held out for choices during training and tuning")
    seed: Seed = Field(0, description="deals the clusters")
    test: list[str] | None = Field(None, min_length=1, max_length=10_000, description="these homes, instead of a share")
    validation: list[str] | None = Field(None, min_length=1, max_length=10_000, description="these, instead of a share")

    @model_validator(mode="after")
    def _either(self) -> HomesConfig:
        for name in ("test", "validation"):
            if getattr(self, name) is not None and getattr(self, f"{name}_share") > 0.0:
                raise ValueError(f"{name} and {name}_share are both given; expected one of them")
        if both := set(self.test or ()) & set(self.validation or ()):
            raise ValueError(f"home {min(both)!r} is in test and in validation")
        if self.test_share + self.validation_share >= 1.0:
            raise ValueError(
                f"test_share {self.test_share:g} and validation_share {self.validation_share:g} leave none"
            )
        return self

    @property
    def all_alike(self) -> bool:
        """Whether no home is held out."""
        return not (self.test_share or self.validation_share or self.test or self.validation)


class SplitConfig(Model):
    """Which whole weeks, and which homes, are trained on and which are held out."""

    months: list[Annotated[int, Field(ge=1, le=12)]] | None = Field(
        None, min_length=1, max_length=12, description="of the weeks' Mondays; null is the whole scenario"
    )
    test_every: int = Field(4, ge=2, le=52, description="every n-th week is held out for the test")
    validation_every: int = Field(0, ge=0, le=52, description="every n-th week is held out for validation; 0 is none")
    homes: HomesConfig = Field(HomesConfig(), description="which homes are held out; by default none")
    evaluate_on: Literal["test", "validation"] = Field(
        "test", description="what the runs' results are of; a search for hyperparameters must not see the test"
    )

    @model_validator(mode="after")
    def _can_validate(self) -> SplitConfig:
        if self.evaluate_on == "validation" and not self.validation_every:
            raise ValueError("evaluate_on is 'validation' and validation_every is 0; expected at least 2")
        return self

    @model_validator(mode="after")
    def _not_one(self) -> SplitConfig:
        if self.validation_every == 1:
            raise ValueError("validation_every is 1, which leaves no week to train on; expected 0 (none) or at least 2")
        return self


class TrainingConfig(Model):
    """The budget that every learning arm is given alike."""

    steps: int = Field(100_000, ge=1, le=1_000_000_000, description="environment steps of a run")
    n_envs: int = Field(32, ge=1, le=65_536, description="environments side by side")
    episode_days: float = Field(2.0, gt=0.0, lt=7.0, description="length of a training episode [days]")
    seeds: Seeds = Field([0, 1, 2], description="a list, or {count: 100, first: 0}; the same for every arm")
    checkpoint_every: int = Field(50_000, ge=1, le=1_000_000_000, description="steps between checkpoints")
    select: Literal["last", "validation"] = Field(
        "last", description="which policy is tested: the last, or the best on the validation weeks and homes"
    )
    eval_every: int | None = Field(
        None, ge=1, le=1_000_000_000, description="steps between validations; null is a tenth of steps"
    )

    @model_validator(mode="after")
    def _distinct(self) -> TrainingConfig:
        distinct(self.seeds)
        return self

    @property
    def seed_list(self) -> list[int]:
        """The seeds, in order."""
        return seed_list(self.seeds)

    @property
    def eval_steps(self) -> int:
        """``eval_every`` after its default."""
        return self.eval_every or max(self.steps // 10, 1)


__all__ = [
    "OTHER_TASKS",
    "TASK_NAMES",
    "HomesConfig",
    "ScenarioConfig",
    "SeedRange",
    "SplitConfig",
    "SyntheticScenario",
    "TaskConfig",
    "TrainingConfig",
    "scenario_text",
]

"""One study: scenarios, a task, arms, seeds, and what may be varied; checks that concern more than one part."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from entangrid.experiments.config.algorithms import (
    ALGORITHMS,
    CONTINUOUS_ONLY,
    A2CConfig,
    DDPGConfig,
    DQNConfig,
    PPOConfig,
    REINFORCEConfig,
    SACConfig,
    TD3Config,
)
from entangrid.experiments.config.arms import Arms, LearningArm, MatchedArm, QuantumArm
from entangrid.experiments.config.base import (
    Choices,
    Model,
    Name,
    Path,
    Search,
    Seed,
    SeedRange,
    Seeds,
    distinct,
    seed_list,
)
from entangrid.experiments.config.claim import ClaimConfig
from entangrid.experiments.config.task import (
    ScenarioConfig,
    SplitConfig,
    TaskConfig,
    TrainingConfig,
    scenario_text,
)

#: What a sweep cannot vary, since it is no part of a run.
FIXED = (
    "name",
    "question",
    "scenario",
    "scenarios",
    "sweep",
    "verdict",
    "claim",
    "cut",
    "tuning",
    "tracking",
    "arms",
)


class SweepConfig(Model):
    """Fields that take several values: every combination, or a number of random ones."""

    mode: Literal["grid", "random"] = Field("grid", description="every combination, or n random ones")
    axes: dict[Path, Search] = Field(min_length=1, max_length=16, description="a field of the study -> its values")
    n: int | None = Field(None, ge=1, le=100_000, description="random combinations")
    seed: Seed = Field(0, description="of the random combinations")

    @model_validator(mode="after")
    def _complete(self) -> SweepConfig:
        size = 1
        for path, values in self.axes.items():
            if isinstance(values, list):
                if len({repr(value) for value in values}) != len(values):
                    raise ValueError(f"axes.{path} holds a value twice")
                size *= len(values)
            elif self.mode == "grid":
                raise ValueError(f"axes.{path} is a range; expected a list of values where mode is 'grid'")
        if self.mode == "grid" and size > 100_000:
            raise ValueError(f"axes have {size} combinations; expected at most 100000")
        if (self.n is None) == (self.mode == "random"):
            raise ValueError(
                "n goes with mode 'random', which needs it" if self.n else "n is missing; mode is 'random'"
            )
        return self


Pair = Annotated[list[Name], Field(min_length=2, max_length=2)]


class VerdictConfig(Model):
    """When two arms are called equivalent; fixed before the run."""

    margin: float = Field(0.05, gt=0.0, le=10.0, description="of gap closed, on either side of no difference")
    confidence: float = Field(0.95, gt=0.5, lt=1.0, description="of every interval")
    pairs: list[Pair] | None = Field(
        None, min_length=1, max_length=1_000, description="arms to compare, [a, b] each; null is chosen by kind"
    )

    @model_validator(mode="after")
    def _two_each(self) -> VerdictConfig:
        seen: set[frozenset[str]] = set()
        for pair in self.pairs or []:
            if pair[0] == pair[1]:
                raise ValueError(f"pairs holds {pair[0]!r} against itself; expected two arms")
            if frozenset(pair) in seen:
                raise ValueError(f"pairs holds {pair[0]!r} and {pair[1]!r} twice, which would count as two comparisons")
            seen.add(frozenset(pair))
        return self


class TuningConfig(Model):
    """The search for hyperparameters, the same for every learning arm; read by ``entangrid tune``."""

    trials: int = Field(30, ge=1, le=100_000, description="of every arm")
    seeds: Seeds = Field(SeedRange(count=3, first=1_000_000), description="none of them one of training.seeds")
    steps: int | None = Field(None, ge=1, le=1_000_000_000, description="of a trial and seed; null is training.steps")
    scenario: ScenarioConfig | None = Field(None, description="of other homes to search on; null is the study's own")
    shared_homes: bool = Field(False, description="search on homes of the test, kept apart by weeks and seeds alone")
    sampler: Literal["tpe", "random"] = Field("tpe", description="how trials are chosen")
    prune: bool = Field(False, description="give up trials that lag behind; unspent steps buy further trials")
    space: dict[Path, Search] = Field({}, max_length=64, description="a field of the study -> range or choices")

    @model_validator(mode="after")
    def _distinct(self) -> TuningConfig:
        distinct(self.seeds)
        return self

    @property
    def seed_list(self) -> list[int]:
        """The seeds, in order."""
        return seed_list(self.seeds)


class TrackingConfig(Model):
    """Where learning curves go beside each run's CSV; changes no result."""

    tensorboard: bool = Field(False, description="event files in each run's folder")
    mlflow: bool = Field(False, description="an MLflow run for each run")
    wandb: bool = Field(False, description="a Weights & Biases run for each run")


def _task_by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class StudyConfig(Model):
    """One study: scenarios, a task, arms, seeds."""

    name: Name = Field(description="of the study, and of its folder")
    question: str = Field("", max_length=2_000, description="what the study is to answer")
    scenario: ScenarioConfig | None = Field(None, description="a name, a folder, {synthetic: ...}; null is the task's")
    scenarios: list[ScenarioConfig] | None = Field(
        None, min_length=1, max_length=1_000, description="several, instead of one"
    )
    task: Annotated[TaskConfig, BeforeValidator(_task_by_name)] = Field(
        TaskConfig(), description="what every arm controls and sees"
    )
    split: SplitConfig = Field(SplitConfig(), description="weeks and homes of training, validation and test")
    training: TrainingConfig = Field(TrainingConfig(), description="the budget of every learning arm")
    ppo: PPOConfig = Field(PPOConfig(), description="hyperparameters of PPO")
    a2c: A2CConfig = Field(A2CConfig(), description="hyperparameters of A2C")
    reinforce: REINFORCEConfig = Field(REINFORCEConfig(), description="hyperparameters of REINFORCE")
    dqn: DQNConfig = Field(DQNConfig(), description="hyperparameters of DQN")
    sac: SACConfig = Field(SACConfig(), description="hyperparameters of SAC")
    td3: TD3Config = Field(TD3Config(), description="hyperparameters of TD3")
    ddpg: DDPGConfig = Field(DDPGConfig(), description="hyperparameters of DDPG")
    arms: Arms = Field(description="what is compared: a name and a controller each")
    sweep: SweepConfig | None = Field(None, description="fields that take several values")
    verdict: VerdictConfig = Field(VerdictConfig(), description="when arms are called equivalent")
    cut: list[Annotated[str, Field(min_length=1, max_length=300)]] = Field(
        [], max_length=32, description="what was left out to fit the machine; stands under table and figures"
    )
    claim: ClaimConfig | None = Field(None, description="a published saving to hold the study's numbers against")
    tuning: TuningConfig = Field(TuningConfig(), description="the search for hyperparameters")
    tracking: TrackingConfig = Field(TrackingConfig(), description="where learning curves go")

    @property
    def scenario_names(self) -> list[str | None]:
        """What ``entangrid.data.load`` takes, in order; None stands for the task's own scenario."""
        if self.scenarios is not None:
            return [scenario_text(each) for each in self.scenarios]
        return [None if self.scenario is None else scenario_text(self.scenario)]

    def hyperparameters(self, arm: str) -> Model:
        """The algorithm's section as it holds for a learning arm: the study's, and on top of it the arm's own."""
        learner = self.arms[arm]
        assert isinstance(learner, LearningArm)
        base: Model = getattr(self, learner.algorithm)
        override = learner.override
        return ALGORITHMS[learner.algorithm].model_validate(base.model_dump() | override) if override else base

    def task_of(self, arm: str) -> TaskConfig:
        """The task as it holds for an arm: the study's, and on top of it the arm's own."""
        own = getattr(self.arms[arm], "task", None)
        return self.task if own is None else self.task.model_copy(update=own.said)

    @model_validator(mode="after")
    def _one_or_several(self) -> StudyConfig:
        if self.scenario is not None and self.scenarios is not None:
            raise ValueError("scenario and scenarios are both given; expected one of them")
        listed = self.scenario_names
        if len(set(listed)) != len(listed):
            raise ValueError("scenarios holds one of them twice")
        return self

    @model_validator(mode="after")
    def _arms_fit(self) -> StudyConfig:
        controllers = [arm.controller for arm in self.arms.values()]
        if controllers.count("no-control") != 1:
            raise ValueError(
                f"arms hold {controllers.count('no-control')} of 'no-control'; expected one: every saving needs it"
            )
        if controllers.count("optimum") > 1:
            raise ValueError(f"arms hold {controllers.count('optimum')} of 'optimum'; expected one at most")
        for name, arm in self.arms.items():
            if isinstance(arm, MatchedArm):
                twin = self.arms.get(arm.match)
                if not isinstance(twin, QuantumArm) or twin.algorithm != arm.algorithm or twin.is_cv:
                    raise ValueError(
                        f"arms.{name}.match is {arm.match!r}; "
                        f"expected the name of a {arm.algorithm}-quantum arm of qubits"
                    )
                if self.task_of(name) != self.task_of(arm.match):
                    raise ValueError(f"arms.{name}.task is not that of arms.{arm.match}, which it matches")
            if isinstance(arm, LearningArm):
                self._learner_fits(name, arm)
        for pair in self.verdict.pairs or []:
            if unknown := [name for name in pair if name not in self.arms]:
                raise ValueError(
                    f"verdict.pairs names {unknown[0]!r}; expected the names of arms: {', '.join(self.arms)}"
                )
        if self.claim is not None and self.claim.baseline not in (None, *self.arms):
            raise ValueError(
                f"claim.baseline is {self.claim.baseline!r}; expected the name of an arm: {', '.join(self.arms)}"
            )
        if self.task.action_set == "discrete" and "optimum" in controllers:
            raise ValueError("task.action_set is 'discrete', on which the optimum's plan cannot be followed")
        return self

    def _learner_fits(self, name: str, arm: LearningArm) -> None:
        action_set = self.task_of(name).action_set
        wanted = {"dqn": "discrete"} | dict.fromkeys(CONTINUOUS_ONLY, "continuous")
        if action_set != wanted.get(arm.algorithm, action_set):
            where = "task.action_set" if action_set == self.task.action_set else f"arms.{name}.task.action_set"
            raise ValueError(
                f"arms.{name}.controller is {arm.controller!r}, which needs {where} {wanted[arm.algorithm]!r}, "
                f"not {action_set!r}"
            )
        discrete_heads = ("categorical", "softmax")
        if arm.head is not None and (arm.head in discrete_heads) == (action_set == "continuous"):
            heads = "gaussian, squashed-gaussian, beta" if action_set == "continuous" else ", ".join(discrete_heads)
            raise ValueError(
                f"arms.{name}.head is {arm.head!r}, which does not go with the action set {action_set!r}; expected one "
                f"of {heads}, or null"
            )
        section = self.hyperparameters(name)
        own = arm.override
        scaled = isinstance(arm, QuantumArm) and {arm.lr_scale_input, arm.lr_scale_angles, arm.lr_scale_output} != {1.0}
        if isinstance(arm, QuantumArm) and arm.is_cv and scaled and getattr(section, "use_rms_prop", False):
            raise ValueError(
                f"arms.{name}: learning-rate factors of qumodes do not go with a2c.use_rms_prop; expected false"
            )
        if (
            isinstance(section, PPOConfig) and self.task.control == "joint"
        ):  # else homes count too, which are not known yet
            rollout = self.training.n_envs * section.n_steps
            if rollout % section.batch_size:
                where = f"arms.{name}.ppo" if {"batch_size", "n_steps"} & own.keys() else "ppo"
                raise ValueError(
                    f"{where}.batch_size is {section.batch_size}; "
                    f"expected a divisor of training.n_envs * ppo.n_steps = {rollout}"
                )
        if isinstance(section, REINFORCEConfig) and section.n_episodes and section.n_episodes % self.training.n_envs:
            where = f"arms.{name}.reinforce" if "n_episodes" in own else "reinforce"
            raise ValueError(
                f"{where}.n_episodes is {section.n_episodes}; "
                f"expected a multiple of training.n_envs = {self.training.n_envs}"
            )

    @model_validator(mode="after")
    def _sets_are_there(self) -> StudyConfig:
        if self.training.select == "validation" and not self.split.validation_every:
            raise ValueError("training.select is 'validation' and split.validation_every is 0; expected at least 2")
        if not self.split.homes.all_alike and self.task.control == "joint":
            raise ValueError(
                "split.homes holds homes out and task.control is 'joint', a policy of fixed homes; expected 'per-home'"
            )
        if not self.split.homes.all_alike and (self.task.feeder is not None or self.task.name == "Feeder-v0"):
            raise ValueError("split.homes: homes of a feeder cannot be held out, since they are part of one grid")
        if both := set(self.training.seed_list) & set(self.tuning.seed_list):
            raise ValueError(f"tuning.seeds and training.seeds both hold {min(both)}; expected no common seed")
        return self

    @model_validator(mode="after")
    def _paths_are_there(self) -> StudyConfig:
        from entangrid.experiments.config.fields import check_path

        sections = {"sweep.axes": self.sweep.axes if self.sweep else {}, "tuning.space": self.tuning.space}
        for where, paths in sections.items():
            for path, values in paths.items():
                check_path(self, path, values, f"{where}.{path}")
        return self


__all__ = ["FIXED", "Choices", "StudyConfig", "SweepConfig", "TuningConfig", "VerdictConfig"]

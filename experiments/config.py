"""A study as data: what one YAML file may say, with ranges, and errors that name file, field and value."""

from __future__ import annotations

import difflib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from entangrid.data.errors import InputError

_PACKAGED = "entangrid.experiments.conf"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TaskConfig(_Model):
    """The task that every arm is given alike."""

    action_set: Literal["continuous", "discrete"] = "continuous"
    carbon_price_eur_kg: float = Field(0.0, ge=0.0, le=10.0)


class SplitConfig(_Model):
    """Which whole weeks are trained on and which are held out."""

    months: list[Annotated[int, Field(ge=1, le=12)]] | None = Field(None, min_length=1)
    test_every: int = Field(4, ge=2, le=52, description="every n-th week is held out for the test")


class TrainingConfig(_Model):
    """The budget that every learning arm is given alike."""

    steps: int = Field(100_000, ge=1, le=1_000_000_000)
    n_envs: int = Field(32, ge=1, le=65_536)
    episode_days: float = Field(2.0, gt=0.0, lt=7.0)
    seeds: list[Annotated[int, Field(ge=0, le=2**31 - 1)]] = Field([0, 1, 2], min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> TrainingConfig:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds {self.seeds} are not distinct")
        return self


class PPOConfig(_Model):
    """Hyperparameters of Stable-Baselines3's PPO, the same in every learning arm."""

    learning_rate: float = Field(3e-4, gt=0.0, le=1.0)
    final_learning_rate: float | None = Field(None, ge=0.0, le=1.0, description="reached linearly; constant if null")
    n_steps: int = Field(64, ge=2, le=100_000)
    batch_size: int = Field(256, ge=2, le=1_000_000)
    n_epochs: int = Field(10, ge=1, le=1_000)
    gamma: float = Field(0.99, gt=0.0, le=1.0)
    gae_lambda: float = Field(0.95, ge=0.0, le=1.0)
    clip_range: float = Field(0.2, gt=0.0, le=1.0)
    ent_coef: float = Field(0.0, ge=0.0, le=1.0)
    vf_coef: float = Field(0.5, ge=0.0, le=10.0)
    max_grad_norm: float = Field(0.5, gt=0.0, le=100.0)
    log_std_init: float = Field(-0.5, ge=-10.0, le=2.0)
    normalise_reward: bool = True
    critic_hidden: list[Annotated[int, Field(ge=1, le=4096)]] = Field([64, 64], max_length=8)


class CircuitConfig(_Model):
    """The quantum arm's circuit: data re-uploading, ⟨Z⟩ of every qubit; ``backend`` is what executes it."""

    n_qubits: int = Field(6, ge=2, le=16)
    n_layers: int = Field(4, ge=1, le=64)
    backend: Literal["fused", "torchquantum"] = "fused"


class RuleArm(_Model):
    """A controller without learning."""

    controller: Literal["no-control", "self-consumption", "optimum"]


class _MLP(_Model):
    lr_scale: float = Field(1.0, gt=0.0, le=1e3, description="factor on the actor's learning rate")


class MLPArm(_MLP):
    """PPO with a multilayer perceptron as actor."""

    controller: Literal["ppo-mlp"]
    hidden: list[Annotated[int, Field(ge=1, le=4096)]] = Field([64, 64], min_length=1, max_length=8)


class MatchedArm(_MLP):
    """PPO with a perceptron of one hidden layer whose actor has the parameter count of a quantum arm's."""

    controller: Literal["ppo-mlp-matched"]
    match: str


class QuantumArm(_Model):
    """PPO with a TorchQuantum circuit as actor."""

    controller: Literal["ppo-quantum"]
    circuit: CircuitConfig = CircuitConfig()
    lr_scale_input: float = Field(1.0, gt=0.0, le=1e3)
    lr_scale_angles: float = Field(1.0, gt=0.0, le=1e3)
    lr_scale_output: float = Field(1.0, gt=0.0, le=1e3)
    output_gain: float = Field(0.01, gt=0.0, le=10.0)


Arm = Annotated[RuleArm | MLPArm | MatchedArm | QuantumArm, Field(discriminator="controller")]
LearningArm = MLPArm | MatchedArm | QuantumArm


class StudyConfig(_Model):
    """One study: a scenario, a task, arms, seeds."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    question: str = ""
    scenario: str = "bundled-home"
    task: TaskConfig = TaskConfig()
    split: SplitConfig = SplitConfig()
    training: TrainingConfig = TrainingConfig()
    ppo: PPOConfig = PPOConfig()
    arms: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")], Arm] = Field(min_length=1)

    @model_validator(mode="after")
    def _arms_fit(self) -> StudyConfig:
        names = [arm.controller for arm in self.arms.values()]
        for reference in ("no-control", "optimum"):
            if names.count(reference) != 1:
                raise ValueError(
                    f"arms hold {names.count(reference)} of {reference!r}; expected one: gap closed needs it"
                )
        for name, arm in self.arms.items():
            if isinstance(arm, MatchedArm) and not isinstance(self.arms.get(arm.match), QuantumArm):
                raise ValueError(f"arms.{name}.match is {arm.match!r}; expected the name of a ppo-quantum arm")
        if self.task.action_set == "discrete":
            raise ValueError("task.action_set is 'discrete', on which the optimum's plan cannot be followed")
        rollout = self.training.n_envs * self.ppo.n_steps
        if rollout % self.ppo.batch_size:
            raise ValueError(
                f"ppo.batch_size is {self.ppo.batch_size}; "
                f"expected a divisor of training.n_envs * ppo.n_steps = {rollout}"
            )
        return self


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which would silently let the last of two equal fields win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """See PyYAML; raises ConstructorError for a field that stands twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, f"field {key.value!r} stands twice", key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def packaged() -> list[str]:
    """Names of the studies that come with the package."""
    return sorted(entry.name[:-5] for entry in files(_PACKAGED).iterdir() if entry.name.endswith(".yaml"))


def load(name_or_path: str) -> StudyConfig:
    """Read a packaged study by name, or a YAML file.

    Raises InputError with one line for each thing that is wrong, naming file, field, value and expectation.
    """
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or (path.exists() and name_or_path not in packaged()):
        where = name_or_path
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise InputError(f"{where}: cannot be read: {reason}") from None
    elif name_or_path in packaged():
        where = f"{name_or_path} (packaged)"
        text = files(_PACKAGED).joinpath(f"{name_or_path}.yaml").read_text(encoding="utf-8")
    else:
        raise InputError(
            f"study {name_or_path!r} is unknown; expected a YAML file or one of: {', '.join(packaged())}"
            + did_you_mean(name_or_path, packaged())
        )
    return parse(text, where)


def parse(text: str, where: str) -> StudyConfig:
    """Check the text of a YAML file; ``where`` names it in messages."""
    try:
        content = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""
        raise InputError(f"{where}:{line} not valid YAML: {getattr(error, 'problem', None) or 'unreadable'}") from None
    except RecursionError:
        raise InputError(f"{where}: not valid YAML: nested too deeply") from None
    except ValueError as error:  # such as a number of thousands of digits
        raise InputError(f"{where}: not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{where}: holds {type(content).__name__}; expected a mapping of fields")
    try:
        return StudyConfig.model_validate(content)
    except ValidationError as error:
        lines = [f"{where}: {_sentence(item)}" for item in error.errors(include_url=False)]
        raise InputError("\n".join(lines)) from None


def did_you_mean(word: str, known: list[str]) -> str:
    """A hint for a misspelt word, or nothing."""
    close = difflib.get_close_matches(word, known, 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _sentence(item: Any) -> str:
    tags = {"no-control", "self-consumption", "optimum", "ppo-mlp", "ppo-mlp-matched", "ppo-quantum"}
    location = item["loc"]
    if len(location) > 2 and location[0] == "arms" and location[2] in tags:
        location = (*location[:2], *location[3:])  # the discriminator is not part of the user's file
    field = ".".join(str(part) if str(part).isprintable() else repr(part) for part in location)
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = "unknown field" + did_you_mean(str(location[-1]), _known_fields(location[:-1]))
        return f"{field}: {message}"
    if item["type"] == "missing":
        return f"{field}: missing; expected a value"
    if item["type"] == "value_error" and not field:
        return str(message)
    value = repr(item["input"])
    return f"{field}: {message} (got {value if len(value) <= 60 else value[:57] + '...'})"


def _known_fields(location: tuple[Any, ...]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "task": TaskConfig,
        "split": SplitConfig,
        "training": TrainingConfig,
        "ppo": PPOConfig,
    }
    if not location:
        return list(StudyConfig.model_fields)
    if location[0] == "arms":
        arms: list[type[BaseModel]] = [RuleArm, MLPArm, MatchedArm, QuantumArm, CircuitConfig]
        return [name for model in arms for name in model.model_fields]
    model = models.get(str(location[0]))
    return list(model.model_fields) if model else []

"""Hyperparameters of the learning algorithms, by Stable-Baselines3's own names, with ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, create_model, model_serializer

from entangrid.experiments.config.base import Layers, Model, one_of


def _word(value: Any) -> str:
    return "word" if isinstance(value, str) else "number"


def _not_zero(value: int) -> int:
    if value == 0:
        raise ValueError("expected -1 or at least 1 (got 0)")
    return value


Rate = Annotated[float, Field(gt=0.0, le=1.0, description="step of the optimizer at the beginning")]
Discount = Annotated[float, Field(gt=0.0, le=1.0, description="discount factor of a step")]
Coefficient = Annotated[float, Field(ge=0.0, le=1.0, description="weight of the entropy in the loss")]
Weight = Annotated[float, Field(ge=0.0, le=10.0, description="weight of the critic's loss")]
LogStd = Annotated[
    float, Field(ge=-10.0, le=2.0, description="first logarithm of the Gaussian head's standard deviation")
]
Gae = Annotated[float, Field(ge=0.0, le=1.0, description="of the generalised advantage estimate; 1 is Monte Carlo")]
Clip = Annotated[float, Field(gt=0.0, le=1.0, description="of the ratio of new to old probabilities")]
Norm = Annotated[float, Field(gt=0.0, le=1e6, description="longest gradient")]
Tau = Annotated[
    float, Field(gt=0.0, le=1.0, description="share of the network that its target takes over in an update")
]
Noise = Annotated[float, Field(ge=0.0, le=10.0, description="standard deviation of the noise on actions; 0 is none")]
Epsilon = Annotated[float, Field(ge=0.0, le=1.0, description="share of random actions")]
Small = Annotated[float, Field(gt=0.0, le=1.0, description="of RMSprop's denominator")]
Limit = Annotated[float, Field(gt=0.0, le=1e6, description="stop or clip beyond this; null is never")]
Steps = Annotated[int, Field(ge=1, le=100_000, description="steps of every environment between updates")]
Batch = Annotated[int, Field(ge=1, le=1_000_000, description="transitions of a gradient step")]
Buffer = Annotated[int, Field(ge=1, le=10_000_000, description="transitions that are remembered")]
Starts = Annotated[int, Field(ge=0, le=10_000_000, description="steps before the first update")]
Frequency = Annotated[int, Field(ge=1, le=1_000_000, description="steps of every environment between updates")]
Gradients = Annotated[
    int,
    Field(ge=-1, le=1_000_000, description="of an update, not 0; -1 is one a transition"),
    AfterValidator(_not_zero),
]
Interval = Annotated[int, Field(ge=1, le=1_000_000_000, description="steps between updates of the target network")]
Critics = Annotated[int, Field(ge=1, le=16, description="critics, of which the lowest counts")]
Epochs = Annotated[int, Field(ge=1, le=1_000, description="passes over a rollout")]
Delay = Annotated[int, Field(ge=1, le=1_000, description="updates of the critics to one of the actor")]
Episodes = Annotated[int, Field(ge=1, le=1_000_000)]

if TYPE_CHECKING:
    Entropy = float | str
    Target = float | str
else:
    Entropy = one_of(
        _word,
        word=Annotated[str, Field(pattern=r"^auto(_\d+(\.\d+)?)?$")],
        number=Annotated[float, Field(ge=0.0, le=100.0)],
    )
    Target = one_of(_word, word=Literal["auto"], number=Annotated[float, Field(ge=-1e4, le=1e4)])


class _Learning(Model):
    learning_rate: Rate = 3e-4
    final_learning_rate: float | None = Field(None, ge=0.0, le=1.0, description="reached linearly; constant if null")
    gamma: Discount = 0.99
    critic_hidden: Layers = Field([64, 64], description="hidden layers of a critic that is no circuit")
    normalise_reward: bool = Field(False, description="SB3's VecNormalize on the reward alone")


class _OnPolicy(_Learning):
    ent_coef: Coefficient = 0.0
    vf_coef: Weight = 0.5
    log_std_init: LogStd = -0.5


class PPOConfig(_OnPolicy):
    """Stable-Baselines3's PPO."""

    n_steps: Annotated[Steps, Field(ge=2)] = 64
    batch_size: Annotated[Batch, Field(ge=2)] = 256
    n_epochs: Epochs = 10
    gae_lambda: Gae = 0.95
    clip_range: Clip = 0.2
    clip_range_vf: Limit | None = Field(None, description="of the critic's change; null is not clipped")
    normalize_advantage: bool = Field(True, description="by each batch's mean and standard deviation")
    max_grad_norm: Norm = 0.5
    target_kl: Limit | None = Field(None, description="divergence at which a rollout's updates stop; null is never")
    normalise_reward: bool = Field(True, description="SB3's VecNormalize on the reward alone")


class A2CConfig(_OnPolicy):
    """Stable-Baselines3's A2C."""

    learning_rate: Rate = 7e-4
    n_steps: Steps = 5
    gae_lambda: Gae = 1.0
    normalize_advantage: bool = Field(False, description="by each batch's mean and standard deviation")
    max_grad_norm: Norm = 0.5
    use_rms_prop: bool = Field(True, description="RMSprop, or else Adam")
    rms_prop_eps: Small = 1e-5
    normalise_reward: bool = Field(True, description="SB3's VecNormalize on the reward alone")


class REINFORCEConfig(_OnPolicy):
    """``entangrid.agents.reinforce.REINFORCE``."""

    learning_rate: Rate = 1e-2
    n_episodes: Episodes | None = Field(None, description="of an update; null is one an environment")
    baseline: Literal["none", "standardised", "value"] = Field("standardised", description="taken from the returns")
    max_grad_norm: Norm | None = Field(None, description="longest gradient; null clips nothing")


class _OffPolicy(_Learning):
    buffer_size: Buffer = 100_000
    learning_starts: Starts = 100
    batch_size: Batch = 256
    tau: Tau = 0.005
    train_freq: Frequency = 1
    gradient_steps: Gradients = 1


class DQNConfig(_OffPolicy):
    """Stable-Baselines3's DQN."""

    learning_rate: Rate = 1e-4
    batch_size: Batch = 32
    tau: Tau = 1.0
    train_freq: Frequency = 4
    target_update_interval: Interval = 10_000
    exploration_fraction: float = Field(0.1, gt=0.0, le=1.0, description="of training, until the last share is reached")
    exploration_initial_eps: Epsilon = 1.0
    exploration_final_eps: Epsilon = 0.05
    max_grad_norm: Norm = 10.0


class SACConfig(_OffPolicy):
    """Stable-Baselines3's SAC."""

    ent_coef: Entropy = Field("auto", description='a number, "auto", or "auto_0.1" to begin with 0.1')
    target_update_interval: Interval = 1
    target_entropy: Target = Field("auto", description='a number, or "auto": minus the number of actions')
    n_critics: Critics = 2


class TD3Config(_OffPolicy):
    """Stable-Baselines3's TD3."""

    learning_rate: Rate = 1e-3
    policy_delay: Delay = 2
    target_policy_noise: Noise = 0.2
    target_noise_clip: float = Field(0.5, ge=0.0, le=10.0, description="largest noise on the target's actions")
    action_noise_std: Noise = 0.1
    n_critics: Critics = 2


class DDPGConfig(_OffPolicy):
    """Stable-Baselines3's DDPG."""

    learning_rate: Rate = 1e-3
    action_noise_std: Noise = 0.1


#: A study's section of each algorithm.
ALGORITHMS: dict[str, type[Model]] = {
    "ppo": PPOConfig,
    "a2c": A2CConfig,
    "reinforce": REINFORCEConfig,
    "dqn": DQNConfig,
    "sac": SACConfig,
    "td3": TD3Config,
    "ddpg": DDPGConfig,
}
ON_POLICY = ("ppo", "a2c", "reinforce")
CONTINUOUS_ONLY = ("sac", "td3", "ddpg")


class _Partial(Model):
    @model_serializer(mode="wrap")
    def _given(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What is given, so that null can stand for a value."""
        return {name: value for name, value in serialise(self).items() if name in self.model_fields_set}


def _partial(model: type[Model]) -> type[Model]:
    """The same fields with the same ranges, none of which has to be there."""
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        extra = [*field.metadata, *([field.discriminator] if field.discriminator else [])]
        kind = Annotated[(field.annotation, *extra)] if extra else field.annotation
        fields[name] = (kind, Field(None, description=field.description))
    return create_model(
        f"Partial{model.__name__}", __base__=_Partial, __doc__="What differs from the study's section.", **fields
    )


#: What an arm may say of its own algorithm on top of the study's section.
PARTIAL: dict[str, type[Model]] = {name: _partial(model) for name, model in ALGORITHMS.items()}

"""Hyperparameters of the learning algorithms, by Stable-Baselines3's own names, with ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, create_model, model_serializer

from entangrid.experiments.config.base import Layers, Model, one_of


class _Learning(Model):
    learning_rate: float = Field(3e-4, gt=0.0, le=1.0)
    final_learning_rate: float | None = Field(None, ge=0.0, le=1.0, description="reached linearly; constant if null")
    gamma: float = Field(0.99, gt=0.0, le=1.0, description="discount factor of a step")
    critic_hidden: Layers = Field([64, 64], description="hidden layers of a critic that is no circuit")
    normalise_reward: bool = Field(False, description="SB3's VecNormalize on the reward alone")


class _OnPolicy(_Learning):
    ent_coef: float = Field(0.0, ge=0.0, le=1.0)
    vf_coef: float = Field(0.5, ge=0.0, le=10.0)
    log_std_init: float = Field(-0.5, ge=-10.0, le=2.0)


class PPOConfig(_OnPolicy):
    """Stable-Baselines3's PPO."""

    n_steps: int = Field(64, ge=2, le=100_000)
    batch_size: int = Field(256, ge=2, le=1_000_000)
    n_epochs: int = Field(10, ge=1, le=1_000)
    gae_lambda: float = Field(0.95, ge=0.0, le=1.0)
    clip_range: float = Field(0.2, gt=0.0, le=1.0)
    clip_range_vf: float | None = Field(None, gt=0.0, le=1e6)
    normalize_advantage: bool = True
    max_grad_norm: float = Field(0.5, gt=0.0, le=100.0)
    target_kl: float | None = Field(None, gt=0.0, le=100.0)
    normalise_reward: bool = Field(True, description="SB3's VecNormalize on the reward alone")


class A2CConfig(_OnPolicy):
    """Stable-Baselines3's A2C."""

    learning_rate: float = Field(7e-4, gt=0.0, le=1.0)
    n_steps: int = Field(5, ge=1, le=100_000)
    gae_lambda: float = Field(1.0, ge=0.0, le=1.0)
    normalize_advantage: bool = False
    max_grad_norm: float = Field(0.5, gt=0.0, le=100.0)
    use_rms_prop: bool = Field(True, description="RMSprop, or else Adam")
    rms_prop_eps: float = Field(1e-5, gt=0.0, le=1.0)
    normalise_reward: bool = Field(True, description="SB3's VecNormalize on the reward alone")


class REINFORCEConfig(_OnPolicy):
    """``entangrid.agents.reinforce.REINFORCE``."""

    learning_rate: float = Field(1e-2, gt=0.0, le=1.0)
    n_episodes: int | None = Field(None, ge=1, le=1_000_000, description="of an update; null is one an environment")
    baseline: Literal["none", "standardised", "value"] = "standardised"
    max_grad_norm: float | None = Field(None, gt=0.0, le=1e6, description="null clips nothing")


class _OffPolicy(_Learning):
    buffer_size: int = Field(100_000, ge=1, le=10_000_000)
    learning_starts: int = Field(100, ge=0, le=10_000_000)
    batch_size: int = Field(256, ge=1, le=1_000_000)
    tau: float = Field(0.005, gt=0.0, le=1.0)
    train_freq: int = Field(1, ge=1, le=1_000_000, description="steps of every environment between updates")
    gradient_steps: int = Field(1, ge=-1, le=1_000_000, description="of an update; -1 is one a transition")


class DQNConfig(_OffPolicy):
    """Stable-Baselines3's DQN."""

    learning_rate: float = Field(1e-4, gt=0.0, le=1.0)
    batch_size: int = Field(32, ge=1, le=1_000_000)
    tau: float = Field(1.0, gt=0.0, le=1.0)
    train_freq: int = Field(4, ge=1, le=1_000_000, description="steps of every environment between updates")
    target_update_interval: int = Field(10_000, ge=1, le=1_000_000_000)
    exploration_fraction: float = Field(0.1, gt=0.0, le=1.0)
    exploration_initial_eps: float = Field(1.0, ge=0.0, le=1.0)
    exploration_final_eps: float = Field(0.05, ge=0.0, le=1.0)
    max_grad_norm: float = Field(10.0, gt=0.0, le=1e6)


def _word(value: Any) -> str:
    return "word" if isinstance(value, str) else "number"


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


class SACConfig(_OffPolicy):
    """Stable-Baselines3's SAC."""

    ent_coef: Entropy = Field("auto", description='a number, "auto", or "auto_0.1" to begin with 0.1')
    target_update_interval: int = Field(1, ge=1, le=1_000_000_000)
    target_entropy: Target = "auto"
    n_critics: int = Field(2, ge=1, le=16)


class TD3Config(_OffPolicy):
    """Stable-Baselines3's TD3."""

    learning_rate: float = Field(1e-3, gt=0.0, le=1.0)
    policy_delay: int = Field(2, ge=1, le=1_000)
    target_policy_noise: float = Field(0.2, ge=0.0, le=10.0)
    target_noise_clip: float = Field(0.5, ge=0.0, le=10.0)
    action_noise_std: float = Field(0.1, ge=0.0, le=10.0, description="of SB3's NormalActionNoise; 0 is none")
    n_critics: int = Field(2, ge=1, le=16)


class DDPGConfig(_OffPolicy):
    """Stable-Baselines3's DDPG."""

    learning_rate: float = Field(1e-3, gt=0.0, le=1.0)
    action_noise_std: float = Field(0.1, ge=0.0, le=10.0, description="of SB3's NormalActionNoise; 0 is none")


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

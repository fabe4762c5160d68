"""REINFORCE as an SB3 algorithm: whole episodes, Monte-Carlo returns, one gradient step a batch."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, Schedule
from stable_baselines3.common.utils import obs_as_tensor
from stable_baselines3.common.vec_env import VecEnv
from torch.nn import functional

from entangrid.data.errors import InputError

BASELINES = ("none", "standardised", "value")


class Batch(NamedTuple):
    """Steps of whole episodes: observations (N, ...), actions (N, ...), returns (N,)."""

    observations: torch.Tensor
    actions: torch.Tensor
    returns: torch.Tensor


class REINFORCE(OnPolicyAlgorithm):
    """Monte-Carlo policy gradient (Williams 1992, doi:10.1007/BF00992696).

    Every update plays ``n_episodes`` whole episodes, shared evenly by the environments so that short episodes are not
    over-represented, and takes one step along the mean over episodes of Σ_t ∇ log π(a_t | s_t) (G_t - b_t), with the
    return G_t discounted from step t to the end of the episode, also where a time limit ended it. An environment that
    is done early plays on unseen until the last one is; those steps count as environment steps and are not learnt from.

    ``baseline``  b_t: "none"; "standardised" subtracts the batch's mean return and divides by its standard deviation;
                  "value" is the policy's critic, trained on the returns with weight ``vf_coef`` (Jerbi et al. 2021)

    Policy and all other arguments are as in SB3's A2C. Raises `InputError` naming an argument.
    """

    policy: ActorCriticPolicy

    def __init__(
        self,
        policy: str | type[ActorCriticPolicy],
        env: GymEnv | str,
        learning_rate: float | Schedule = 1e-2,
        n_episodes: int = 10,
        gamma: float = 0.99,
        baseline: str = "standardised",
        ent_coef: float = 0.0,
        vf_coef: float = 0.5,
        max_grad_norm: float = float("inf"),
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
    ) -> None:
        if baseline not in BASELINES:
            raise InputError(f"baseline={baseline!r} is unknown; expected one of {', '.join(BASELINES)}")
        self.n_episodes, self.baseline = n_episodes, baseline
        self._batch: Batch | None = None
        super().__init__(
            policy,
            env,
            learning_rate=learning_rate,
            n_steps=1,
            gamma=gamma,
            gae_lambda=1.0,
            ent_coef=ent_coef,
            vf_coef=vf_coef,
            max_grad_norm=max_grad_norm,
            use_sde=False,
            sde_sample_freq=-1,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            policy_kwargs=policy_kwargs,
            verbose=verbose,
            seed=seed,
            device=device,
            _init_setup_model=False,
            supported_action_spaces=(spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary),
        )
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        if self.n_episodes < 1 or self.n_episodes % self.n_envs:
            raise InputError(f"n_episodes={self.n_episodes}: expected a multiple of the {self.n_envs} environments")
        if isinstance(self.observation_space, spaces.Dict):
            raise InputError(f"REINFORCE takes no Dict observations, got {self.observation_space}")
        super()._setup_model()

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int
    ) -> bool:
        """Play the episodes of one update; False where the callback stopped it."""
        self.policy.set_training_mode(False)
        if not np.all(self._last_episode_starts):
            self._last_obs = env.reset()  # type: ignore[assignment]  # the steps that were played on unseen
            self._last_episode_starts = np.ones(env.num_envs, dtype=bool)
        left = np.full(env.num_envs, self.n_episodes // env.num_envs)
        seen: list[Any] = []
        played: list[npt.NDArray[Any]] = []
        rewards: list[npt.NDArray[Any]] = []
        ends: list[npt.NDArray[np.bool_]] = []
        live: list[npt.NDArray[np.bool_]] = []
        callback.on_rollout_start()
        while left.any():
            assert isinstance(self._last_obs, np.ndarray)
            with torch.no_grad():
                actions = self.policy._predict(obs_as_tensor(self._last_obs, self.device)).cpu().numpy()
            seen.append(self._last_obs)
            played.append(actions)
            live.append(left > 0)
            new_obs, reward, dones, infos = env.step(self._to_bounds(actions))
            rewards.append(reward)
            ends.append(dones)
            left -= (left > 0) & dones
            self.num_timesteps += env.num_envs
            self._last_obs, self._last_episode_starts = new_obs, dones  # type: ignore[assignment]
            callback.update_locals(locals())
            if not callback.on_step():
                return False
            self._update_info_buffer(infos, dones)
        returns = discounted(np.stack(rewards), np.stack(ends), self.gamma)
        keep = np.stack(live)
        self._batch = Batch(
            torch.as_tensor(np.stack(seen)[keep], device=self.device),
            torch.as_tensor(np.stack(played)[keep], device=self.device),
            torch.as_tensor(returns[keep], dtype=torch.float32, device=self.device),
        )
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True

    def _to_bounds(self, actions: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if not isinstance(self.action_space, spaces.Box):
            return actions
        if self.policy.squash_output:
            return self.policy.unscale_action(actions)
        clipped: npt.NDArray[Any] = np.clip(actions, self.action_space.low, self.action_space.high)
        return clipped

    def train(self) -> None:
        """One gradient step on the episodes played last."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        assert self._batch is not None
        observations, actions, returns = self._batch
        values, log_prob, entropy = self.policy.evaluate_actions(observations, actions)
        advantages = returns
        if self.baseline == "standardised":
            advantages = (returns - returns.mean()) / (returns.std(correction=0) + 1e-8)
        elif self.baseline == "value":
            advantages = returns - values.detach().flatten()
        policy_loss = -(advantages * log_prob).sum() / self.n_episodes
        bonus = -log_prob.mean() if entropy is None else entropy.mean()
        loss = policy_loss - self.ent_coef * bonus
        if self.baseline == "value":
            value_loss = functional.mse_loss(values.flatten(), returns)
            self.logger.record("train/value_loss", value_loss.item())
            loss = loss + self.vf_coef * value_loss
        self.policy.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        self.policy.optimizer.step()
        self._n_updates += 1
        self._batch = None
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/policy_loss", policy_loss.item())
        self.logger.record("train/entropy_loss", -bonus.item())

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int = 1,
        tb_log_name: str = "REINFORCE",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> Self:
        """Updates until at least so many environment steps have been taken; see SB3."""
        return super().learn(total_timesteps, callback, log_interval, tb_log_name, reset_num_timesteps, progress_bar)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_batch"]


def discounted(rewards: npt.NDArray[Any], ends: npt.NDArray[np.bool_], gamma: float) -> npt.NDArray[np.float64]:
    """Returns (T, E) from each step to the end of its episode, of rewards and ends of episodes (T, E)."""
    out = np.zeros(rewards.shape)
    ahead = np.zeros(rewards.shape[1])
    for t in range(len(rewards) - 1, -1, -1):
        ahead = rewards[t] + gamma * np.where(ends[t], 0.0, ahead)
        out[t] = ahead
    return out

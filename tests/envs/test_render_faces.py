"""Where pictures go: frames of every registered task, videos, and a window where there is a display."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import matplotlib
import numpy as np
import pytest
import worlds

import entangrid  # noqa: F401 - registers the tasks
from entangrid.data.errors import InputError
from entangrid.envs import registration
from entangrid.envs.dispatch import DispatchSimulator, DispatchTask
from entangrid.envs.render import Display, make_view


@pytest.mark.parametrize("name", registration.TASKS)
def test_every_registered_task_renders(name: str) -> None:
    env = gymnasium.make(f"entangrid/{name}", render_mode="rgb_array")
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(3):
        env.step(env.action_space.sample())
    frame: Any = env.render()
    assert frame.shape == (480, 640, 3)
    assert frame.dtype == np.uint8
    env.close()


def test_copies_of_a_vector_environment_have_their_own_frames() -> None:
    vector = gymnasium.make_vec(
        "entangrid/Home-v0",
        num_envs=2,
        vectorization_mode="vector_entry_point",
        render_mode="rgb_array",
        scenario=worlds.scenario(days=2),
    )
    vector.reset(seed=0)
    vector.step(np.stack([np.full(vector.single_action_space.shape, v, np.float32) for v in (-1.0, 1.0)]))
    one, two = vector.render()
    assert one.shape == two.shape == (480, 640, 3)
    assert (one != two).any()


def test_gymnasium_records_a_video(tmp_path: Path) -> None:
    pytest.importorskip("moviepy")
    from gymnasium.wrappers import RecordVideo

    env = gymnasium.make("entangrid/Dispatch-v0", render_mode="rgb_array", episode_steps=10)
    video = RecordVideo(env, str(tmp_path / "videos"), episode_trigger=lambda episode: True)
    video.reset(seed=0)
    ended = False
    while not ended:
        *_, ended, _ = video.step(video.action_space.sample())
    video.close()
    files = list((tmp_path / "videos").glob("*.mp4"))
    assert len(files) == 1
    assert files[0].stat().st_size > 5_000
    from moviepy import VideoFileClip

    with VideoFileClip(str(files[0])) as clip:
        assert tuple(clip.size) == (640, 480)
        assert clip.duration * clip.fps == pytest.approx(11, abs=1.5)


def test_without_a_display_a_window_is_refused_and_frames_are_not() -> None:
    """In a process of its own: matplotlib's backend is global, and frames must do without pyplot."""
    code = """
import sys
import gymnasium, entangrid
from entangrid.data.errors import InputError
env = gymnasium.make("entangrid/Dispatch-v0", render_mode="rgb_array")
env.reset()
assert env.render().shape == (480, 640, 3)
assert "matplotlib.pyplot" not in sys.modules
env = gymnasium.make("entangrid/Dispatch-v0", render_mode="human")
try:
    env.reset()
except InputError as error:
    assert "needs a display" in str(error) and "'rgb_array'" in str(error), error
else:
    raise AssertionError("no error")
"""
    for backend in ("Agg", "TkAgg"):
        environment = {"MPLBACKEND": backend, "PATH": "", "PYTHONPATH": ":".join(p for p in sys.path if p)}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.filterwarnings("ignore:.*non-interactive.*")
def test_a_window_shows_frames_until_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "TkAgg")
    simulator = DispatchSimulator(DispatchTask(), 1, 3, autoreset=False)
    simulator.reset()
    view = make_view(simulator.task)
    display = Display(view)
    display.frame(simulator)
    np.testing.assert_array_equal(display.image.get_array(), view.frame(simulator))
    simulator.step(np.zeros(1, np.int64))
    display.frame(simulator)
    shown = np.array(display.image.get_array())
    np.testing.assert_array_equal(shown, view.frame(simulator))
    drawn = np.asarray(display.figure.canvas.buffer_rgba())[..., :3]
    assert np.abs(drawn.astype(int) - shown).mean() < 1.0  # pixel by pixel, nothing scaled
    display.close()
    simulator.step(np.zeros(1, np.int64))
    display.frame(simulator)
    np.testing.assert_array_equal(display.image.get_array(), shown)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(InputError, match="task is a int; expected a task of homes"):
        make_view(3)

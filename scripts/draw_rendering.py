"""Draw docs/figures/rendering.png: a home and a feeder after most of a winter's day, every device left to itself.

python scripts/draw_rendering.py [--out docs/figures/rendering.png]
"""

import argparse
from pathlib import Path

import gymnasium
import numpy as np
from PIL import Image

import entangrid

STEPS = 76  # quarter-hours: to seven in the evening


def frame(task: str, **options: object) -> np.ndarray:
    """The last frame of a day so far, (h, w, 3) uint8."""
    env = gymnasium.make(task, render_mode="rgb_array", **options)
    env.reset(seed=0)
    for _ in range(STEPS):
        env.unwrapped.simulator.step_default()
        shown = env.render()
    return np.asarray(shown)


def main() -> None:
    """Write the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/figures/rendering.png"))
    out = parser.parse_args().out
    assert entangrid.__version__  # registers the tasks
    frames = [frame("entangrid/Home-v0", starts=[96 * 46]), frame("entangrid/Feeder-v0", starts=[96 * 9])]
    Image.fromarray(np.concatenate(frames, axis=1)).save(out, optimize=True)
    print(out)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Kill a study again and again, fill its disk, cut its checkpoints: the table must come out as if nothing had happened.

    python scripts/torture.py                     30 kills of a study of 26 runs, a full disk, a truncated checkpoint
    python scripts/torture.py --short --kills 6   the same with 5 short runs

First the study is run undisturbed. Then it is started in another folder and killed with SIGKILL at moments that a seed
draws: the parent (which is then started again), a worker, a worker while it writes a checkpoint, the parent while it
builds the table. At the end every result column of the table, every policy and every learning curve must equal the
undisturbed study's to the last bit, and no finished run may have been started again. Exit code 0, or 1 and what is
wrong. The full disk is a tmpfs without room, where one may be mounted; else a limit on the size of files stands in for
it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from torture_disk import full_disk, truncated
from torture_kills import kills
from tortured_study import Study, TortureError, compare, finish, study


def torture(folder: Path, n: int, seed: int, jobs: int, short: bool, say: Callable[[str], None]) -> None:
    """All of it; raises TortureError with what went wrong."""
    file = folder / "torture.yaml"
    file.write_text(yaml.safe_dump(study(short)), encoding="utf-8")
    began = time.monotonic()
    straight = Study(file, folder / "straight", jobs)
    finish(straight)
    straight_s = time.monotonic() - began
    say(f"undisturbed: {len(straight.finished)} runs in {straight_s:.0f} s")
    for attempt, sooner in enumerate((1.0, 8.0, 64.0)):  # a machine that was busy may be idle now, and all is over soon
        of = Study(file, folder / f"killed-{attempt}", jobs)
        began = time.monotonic()
        done = kills(of, n, seed + attempt, straight, straight_s / sooner, say)
        of.check_nothing_twice()
        rows = compare(straight.out, of.out)
        resumed = of.log().count(": resumed at step ")
        say(
            f"{sum(done.values())} kills ({', '.join(f'{count} {kind}' for kind, count in sorted(done.items()))}), "
            f"{of.starts} starts, {resumed} resumptions in {time.monotonic() - began:.0f} s: "
            f"{rows} rows, policies and curves equal; no finished run was begun again"
        )
        if resumed:
            break
        say("no run was resumed, as the kills came too late: once more, sooner")
    else:
        raise TortureError("no run was ever resumed: the kills proved nothing")
    full_disk(file, straight.out, folder, jobs, say)
    truncated(file, straight.out, folder, jobs, say)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30, help="how often to kill (default: 30)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (default: 2)")
    parser.add_argument("--short", action="store_true", help="a small study")
    parser.add_argument("--keep", type=Path, help="work in this folder, which must not exist, and leave it")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="torture-"))
    if arguments.keep:
        folder.mkdir(parents=True)

    def say(text: str) -> None:
        print(text, flush=True)

    try:
        torture(folder, arguments.kills, arguments.seed, arguments.jobs, arguments.short, say)
    except TortureError as error:
        print(f"torture: {error}\nleft in {folder}", file=sys.stderr)
        sys.exit(1)
    if not arguments.keep:
        shutil.rmtree(folder)
    print("torture: nothing was lost")


if __name__ == "__main__":
    main()

"""What every engine runs: one job, to the end or to a sentence that says what went wrong."""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entangrid.data.errors import InputError
from entangrid.experiments.engines import THREADS, Job, Outcome

if TYPE_CHECKING:
    from entangrid.experiments.plan import Run


def pack(run: Run, folder: Path) -> Job:
    """A run as a job: its resolved study as JSON, from which the worker builds it anew."""
    content = {
        "arm": run.arm,
        "seed": run.seed,
        "key": run.key,
        "scenario": run.scenario,
        "axes": run.axes,
        "study": run.study.model_dump(mode="json"),
    }
    return Job(run.folder, str(folder.absolute()), json.dumps(content))


def unpack(job: Job) -> Run:
    """The run of a job."""
    from entangrid.experiments.config import StudyConfig
    from entangrid.experiments.plan import Run

    content: dict[str, Any] = json.loads(job.run)
    study = StudyConfig.model_validate(content["study"])
    arm = content["arm"]
    return Run(arm, study.arms[arm], content["seed"], content["key"], content["scenario"], content["axes"], study)


def work(job: Job) -> Outcome:
    """Make one run; what went wrong is told as text, since not every exception can be carried between processes."""
    os.environ.update(THREADS)  # before NumPy is imported, where it is not yet
    from entangrid.experiments import store
    from entangrid.experiments.train import execute

    folder = Path(job.folder)

    def report(message: str) -> None:
        store.log(folder.parent.parent, f"{job.name}: {message}")

    try:
        report("started")
        execute(unpack(job), folder, report=report)
    except store.ClaimedError as error:
        return Outcome(job.name, str(error), busy=True)
    except InputError as error:
        return Outcome(job.name, str(error))
    except Exception:
        return Outcome(job.name, traceback.format_exc().rstrip())
    return Outcome(job.name)

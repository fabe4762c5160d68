"""Where a run's training logs go: progress.csv always; TensorBoard, MLflow and Weights & Biases on request."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import KVWriter, Logger

from entangrid.data.errors import InputError
from entangrid.experiments import store

#: name -> the package that it needs, which the extra of the same name installs
TRACKERS = {"tensorboard": "tensorboard", "mlflow": "mlflow", "wandb": "wandb"}

_Values = dict[str, Any]
_Excluded = dict[str, tuple[str, ...]]


def check_trackers(names: Sequence[str]) -> None:
    """Raise InputError for a tracker that is unknown or not installed."""
    for name in names:
        if name not in TRACKERS:
            raise InputError(f"log {name!r} is unknown; expected some of: {', '.join(TRACKERS)}")
        if importlib.util.find_spec(TRACKERS[name]) is None:
            raise InputError(f'log {name!r} needs {TRACKERS[name]}: pip install "entangrid[{name}]"')


class RunLogger(Logger):
    """SB3's logger, whose count of iterations and whose values not yet written survive an interruption."""

    def __init__(self, outputs: Sequence[KVWriter]):
        super().__init__(None, list(outputs))
        self.iterations_before = 0
        self.iterations = 0

    def record(self, key: str, value: Any, exclude: str | tuple[str, ...] | None = None) -> None:
        """See SB3."""
        if key == "time/iterations":  # SB3 counts from the beginning of the process
            value = self.iterations = self.iterations_before + int(value)
        super().record(key, value, exclude)

    def state(self) -> dict[str, Any]:
        """What is to be stored."""
        return {
            "iterations": self.iterations,
            "values": {key: _number(value) for key, value in self.name_to_value.items()},
            "counts": dict(self.name_to_count),
            "excluded": {key: list(value) for key, value in self.name_to_excluded.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what was stored."""
        self.iterations_before = self.iterations = state["iterations"]
        for mine, stored in (
            (self.name_to_value, state["values"]),
            (self.name_to_count, state["counts"]),
            (self.name_to_excluded, {key: tuple(value) for key, value in state["excluded"].items()}),
        ):
            mine.clear()
            mine.update(stored)


def _number(value: Any) -> Any:
    """Python's own number, which is written alike before and after it was stored."""
    return value.item() if hasattr(value, "item") else value


class ProgressCSV(KVWriter):
    """``progress.csv``: a row each time SB3 writes its values; columns in the order in which they first came."""

    def __init__(self, path: Path):
        self.path = path
        self.columns: list[str] = []
        self.rows: list[dict[str, str]] = []

    def begin(self, text: str = "") -> None:
        """Start the file with the rows that this text has, so that none stands twice after an interruption."""
        reader = csv.DictReader(io.StringIO(text))
        self.rows = [dict(row) for row in reader]
        self.columns = list(reader.fieldnames or [])
        self._put("w", self.text())

    def text(self) -> str:
        """The whole file."""
        out = io.StringIO()
        writer = csv.DictWriter(out, self.columns, restval="", lineterminator="\n")
        if self.columns:
            writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()

    def write(self, key_values: _Values, key_excluded: _Excluded, step: int = 0) -> None:
        """See SB3. Raises InputError naming the file if it cannot be written."""
        shown = {k: v for k, v in key_values.items() if "csv" not in (key_excluded.get(k) or ())}
        self.rows.append({name: str(_number(value)) for name, value in shown.items()})
        new = sorted(shown.keys() - set(self.columns))
        self.columns += new
        if new:
            self._put("w", self.text())
        else:
            out = io.StringIO()
            csv.DictWriter(out, self.columns, restval="", lineterminator="\n").writerow(self.rows[-1])
            self._put("a", out.getvalue())

    def _put(self, mode: str, text: str) -> None:
        try:
            with self.path.open(mode, encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {error.strerror or error}") from None

    def close(self) -> None:
        """Nothing is held open."""


class Tracker(KVWriter):
    """Values for an outside tracker, each step sent once.

    The last step sent is noted in a file. What an interrupted run computes a second time has the same bits, and is not
    sent a second time.
    """

    def __init__(self, name: str, folder: Path):
        self.note = folder / f".{name}-sent"
        noted = self.note.read_text() if self.note.is_file() else ""
        self.sent = int(noted) if noted.isdigit() else -1

    def write(self, key_values: _Values, key_excluded: _Excluded, step: int = 0) -> None:
        """See SB3."""
        if step <= self.sent:
            return
        shown = {
            key: float(value)
            for key, value in key_values.items()
            if isinstance(value, int | float) or getattr(value, "shape", None) == ()
        }
        self.send(shown, step)
        self.sent = step
        store.write_atomically(self.note, lambda to: to.write_text(str(step)))

    def send(self, values: dict[str, float], step: int) -> None:
        """Hand over the numbers of a step."""
        raise NotImplementedError

    def close(self) -> None:
        """End the run at the tracker."""


class TensorBoard(Tracker):
    """Event files in the run's folder ``tensorboard``."""

    def __init__(self, folder: Path, study: str, run: str):
        super().__init__("tensorboard", folder)
        from torch.utils.tensorboard import SummaryWriter

        self.writer: Any = SummaryWriter(str(folder / "tensorboard"))

    def send(self, values: dict[str, float], step: int) -> None:
        """See `Tracker`."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def close(self) -> None:
        """See `Tracker`."""
        self.writer.close()


class MLflow(Tracker):
    """A run of the experiment that is called like the study, at MLFLOW_TRACKING_URI or MLflow's default."""

    def __init__(self, folder: Path, study: str, run: str):
        super().__init__("mlflow", folder)
        from mlflow.entities import Metric
        from mlflow.tracking import MlflowClient

        self._metric: Any = Metric
        self.client: Any = MlflowClient()
        known = folder / ".mlflow-run"
        if known.is_file() and (run_id := known.read_text()):
            self.run_id = run_id
            return
        experiment = self.client.get_experiment_by_name(study)
        experiment_id = experiment.experiment_id if experiment else self.client.create_experiment(study)
        self.run_id = self.client.create_run(experiment_id, run_name=run).info.run_id
        store.write_atomically(known, lambda to: to.write_text(self.run_id))

    def send(self, values: dict[str, float], step: int) -> None:
        """See `Tracker`."""
        import time

        now = int(time.time() * 1000)
        self.client.log_batch(self.run_id, [self._metric(name, value, now, step) for name, value in values.items()])

    def close(self) -> None:
        """See `Tracker`."""
        self.client.set_terminated(self.run_id)


class WeightsAndBiases(Tracker):
    """A run of the W&B project that is called like the study; WANDB_MODE=offline keeps it on this machine."""

    def __init__(self, folder: Path, study: str, run: str):
        super().__init__("wandb", folder)
        import wandb

        self.run: Any = wandb.init(
            project=study, name=run, id=run.rsplit("-", 1)[-1], resume="allow", dir=str(folder), reinit="create_new"
        )

    def send(self, values: dict[str, float], step: int) -> None:
        """See `Tracker`."""
        self.run.log(values, step=step)

    def close(self) -> None:
        """See `Tracker`."""
        self.run.finish()


_CLASSES = {"tensorboard": TensorBoard, "mlflow": MLflow, "wandb": WeightsAndBiases}


def trackers(names: Sequence[str], folder: Path, study: str, run: str) -> list[Tracker]:
    """The trackers of a run by name; ``folder`` is where it works. Raises InputError as `check_trackers`."""
    check_trackers(names)
    return [_CLASSES[name](folder, study, run) for name in names]

"""A study as data: what one YAML file may say, with ranges, and errors that name file, field and value.

>>> from entangrid.experiments import config
>>> config.load("smoke").training.steps
2048
"""

from entangrid.experiments.config.arms import Arm, LearningArm, MatchedArm, MLPArm, QuantumArm, RuleArm, names
from entangrid.experiments.config.circuits import CircuitConfig, CVCircuitConfig, NoiseConfig
from entangrid.experiments.config.fields import did_you_mean
from entangrid.experiments.config.loading import StudyError, check, load, named, packaged, parse
from entangrid.experiments.config.seeded import ArmTask, SearchedArm, SeededArm
from entangrid.experiments.config.study import StudyConfig, SweepConfig, TuningConfig, VerdictConfig
from entangrid.experiments.config.task import HomesConfig, SplitConfig, TaskConfig, TrainingConfig, scenario_text

__all__ = [
    "Arm",
    "ArmTask",
    "CVCircuitConfig",
    "CircuitConfig",
    "HomesConfig",
    "LearningArm",
    "MLPArm",
    "MatchedArm",
    "NoiseConfig",
    "QuantumArm",
    "RuleArm",
    "SearchedArm",
    "SeededArm",
    "SplitConfig",
    "StudyConfig",
    "StudyError",
    "SweepConfig",
    "TaskConfig",
    "TrainingConfig",
    "TuningConfig",
    "VerdictConfig",
    "check",
    "did_you_mean",
    "load",
    "named",
    "names",
    "packaged",
    "parse",
    "scenario_text",
]

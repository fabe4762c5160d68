"""Statistics of a study, in NumPy: what each is, with its source, stands in ``docs/statistics.md``.

``aggregates``: one number of many scores. ``bootstrap``: intervals of any of them. ``ratios``: gap closed and paired
differences over seeds, weeks and homes at once. ``verdict``: what an interval allows one to say.
``sample_complexity``: how many steps until most runs are good enough.
"""

from entangrid.experiments.statistics.aggregates import (
    average_score_distribution,
    interquartile_mean,
    mean,
    median,
    optimality_gap,
    probability_of_improvement,
    score_distribution,
)
from entangrid.experiments.statistics.bootstrap import (
    Interval,
    Resampled,
    cluster_bootstrap,
    improvement_bootstrap,
    stratified_bootstrap,
)
from entangrid.experiments.statistics.gap import SMALLEST_HEADROOM, GapClosed, gap_closed
from entangrid.experiments.statistics.ratios import Ratio, crossed_ratio, paired_numerators
from entangrid.experiments.statistics.sample_complexity import SampleComplexity, sample_complexity
from entangrid.experiments.statistics.verdict import Verdict, holm, judge, minimum_detectable_effect

__all__ = [
    "SMALLEST_HEADROOM",
    "GapClosed",
    "Interval",
    "Ratio",
    "Resampled",
    "SampleComplexity",
    "Verdict",
    "average_score_distribution",
    "cluster_bootstrap",
    "crossed_ratio",
    "gap_closed",
    "holm",
    "improvement_bootstrap",
    "interquartile_mean",
    "judge",
    "mean",
    "median",
    "minimum_detectable_effect",
    "optimality_gap",
    "paired_numerators",
    "probability_of_improvement",
    "sample_complexity",
    "score_distribution",
    "stratified_bootstrap",
]

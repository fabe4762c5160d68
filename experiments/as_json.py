"""A study's summary and comparisons as JSON, for scripts."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd

from entangrid.experiments import matched_table, summary, wording
from entangrid.experiments.comparing import Comparison
from entangrid.experiments.headroom import Headroom
from entangrid.experiments.scores import Scores
from entangrid.experiments.stored import StoredStudy


def table(study: StoredStudy, frame: pd.DataFrame, unfinished: str = "") -> str:
    """The summary of every arm, every comparison, and the closing lines; NaN is null. ``unfinished``: what of the
    study's plan is, in words."""
    scores = Scores(frame)
    margin, confidence = summary.rules(study)
    found = summary.comparisons(scores, study)
    room = summary.at_matched_comfort(scores, study)
    arms = summary.summary(scores, confidence).reset_index().to_dict("records")
    return _text(
        {
            "study": study.name,
            "question": study.question,
            "margin": margin,
            "confidence": confidence,
            "weeks": scores.weeks,
            "homes": [home for _, home in scores.homes],
            "arms": arms,
            "comparisons": [_plain(c) for c in found],
            **({} if room is None else _matched(scores, room)),
            "lines": [*([unfinished] if unfinished else []), *summary.closing_lines(scores, study, found, room)],
        }
    )


def comparison(found: Comparison) -> str:
    """One comparison."""
    return _text(_plain(found))


def _matched(scores: Scores, room: Headroom) -> dict[str, Any]:
    """Every arm and the declared pairs at matched comfort, energy a home and week."""
    pairs = [
        {"a": pair.a, "b": pair.b, "seeds": pair.seeds, **pair.difference._asdict(), "p_holm": pair.p_holm,
         "detectable": pair.detectable, "verdict": pair.verdict} for pair in room.pairs
    ]  # fmt: skip
    claim = {"source": room.claim.source, "share": room.claim.share, "headroom": room.room}
    return {"claim": claim, "matched": matched_table.frame(scores, room).to_dict("records"), "matched_pairs": pairs}


def _plain(c: Comparison) -> dict[str, Any]:
    return {**c._asdict(), "sentence": wording.sentence(c)}


def _text(content: Any) -> str:
    return json.dumps(_clean(content), indent=1, allow_nan=False)


def _clean(value: Any) -> Any:
    """Plain Python values; what is no finite number is null."""
    if isinstance(value, dict):
        return {str(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value

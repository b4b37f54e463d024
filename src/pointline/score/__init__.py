"""TL, WL and ALL, and how sure one can be of them."""

from pointline.score.align import align
from pointline.score.comparison import Comparison, compare, compare_rows
from pointline.score.difference import Difference, Verdict, family, mutual, signs
from pointline.score.judge import Outcome, Rules, judge
from pointline.score.match import draws, outcomes, score
from pointline.score.report import Counts, Draws, Report, Share
from pointline.score.significance import Interval, bootstrap

__all__ = [
    "Comparison",
    "Counts",
    "Difference",
    "Draws",
    "Interval",
    "Outcome",
    "Report",
    "Rules",
    "Share",
    "Verdict",
    "align",
    "bootstrap",
    "compare",
    "compare_rows",
    "draws",
    "family",
    "judge",
    "mutual",
    "outcomes",
    "score",
    "signs",
]

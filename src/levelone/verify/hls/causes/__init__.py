"""Why a layer gives other integers: hypotheses tried one after the other, until one reproduces them all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from levelone.graph.ops import WeightedSum
from levelone.verify.hls.causes import anything, points, project, sums
from levelone.verify.hls.causes.case import Case, Cause, Hypothesis, judge_all, limit

__all__ = ["Case", "Cause", "explain"]


def explain(case: Case) -> Cause:
    """The cause of a layer's first difference, as far as it can be found.

    Hypotheses from the project's own files come first, then a search that knows only the operation.
    """
    evidence = case.evidence
    if evidence.between:
        fixed, meant = case.now("result"), case.meant("result")
        told = "the C simulation gives numbers between two codes of this layer"
        if fixed is not None and meant is not None and fixed != meant:
            told += f": its result has type {fixed.ap}, convert had chosen {meant.ap}"
            return Cause("result type", told, 0, evidence.found.size)
        return Cause("unknown", told, 0, evidence.found.size)
    cause = judge_all(evidence, _hypotheses(case))
    if cause is not None:
        return cause
    tried = sum(1 for _, _ in zip(_hypotheses(case), range(limit(evidence)), strict=False))
    text = f"none of the {tried:,} hypotheses tried reproduces the integer that was found"
    return Cause("unknown", text, 0, evidence.found.size)


def _hypotheses(case: Case) -> Iterator[Hypothesis]:
    op = case.evidence.node.op
    parts: list[Iterator[Hypothesis]] = [project.search(case)]
    if isinstance(op, WeightedSum):
        parts.append(sums.search(case, op))
    elif op.pointwise and len(case.evidence.operands) == 1:
        parts.append(points.search(case))
    return chain(*parts, anything.search(case))

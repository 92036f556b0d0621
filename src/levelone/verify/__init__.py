"""The same integers everywhere, or the first place where not.

::

    check = check_project(Path("project"), random_vectors(graph, 2000, seed=1))
    check.outcome, check.to_dict()
"""

from levelone.verify.stimuli import random_vectors
from levelone.verify.vectors import Vectors, read_vectors, write_vectors
from levelone.verify.verdict import LayerComparison, Mismatch, Outcome, Verdict, compare_codes, judge

# the check stands above hls, which itself needs the stimuli: last
from levelone.verify.check import Check, check_project, read_graph  # isort: skip

__all__ = [
    "Check",
    "LayerComparison",
    "Mismatch",
    "Outcome",
    "Vectors",
    "Verdict",
    "check_project",
    "compare_codes",
    "judge",
    "random_vectors",
    "read_graph",
    "read_vectors",
    "write_vectors",
]

"""The same integers everywhere, or the first place where not.

::

    check = check_project(Path("project"), random_vectors(graph, 2000, seed=1))
    check.outcome, check.to_dict()
"""

from levelone.stimuli import random_vectors
from levelone.verify.body import body_of, find_body, read_document, read_graph
from levelone.verify.check import Check, check_project
from levelone.verify.vectors import Vectors, read_model_sha256, read_vectors, write_vectors
from levelone.verify.verdict import LayerComparison, Mismatch, Outcome, Verdict, compare_codes, judge

__all__ = [
    "Check",
    "LayerComparison",
    "Mismatch",
    "Outcome",
    "Vectors",
    "Verdict",
    "body_of",
    "check_project",
    "compare_codes",
    "find_body",
    "judge",
    "random_vectors",
    "read_document",
    "read_graph",
    "read_model_sha256",
    "read_vectors",
    "write_vectors",
]

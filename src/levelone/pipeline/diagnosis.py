"""`levelone diff`: the vectors of `levelone csim`, and a diagnosis instead of a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import lexists
from pathlib import Path
from typing import Any

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph import Codes, Graph
from levelone.pipeline.checks import SIDE, random_count
from levelone.pipeline.modules import VECTORS
from levelone.stimuli import random_vectors
from levelone.stimuli.effort import work_per_event
from levelone.verify import body_of, read_graph, read_vectors
from levelone.verify.diagnosis import diagnose
from levelone.verify.difference import ENOUGH


def diff_folder(project: Path, *, vectors: str | None = None, seed: int = 1) -> dict[str, Any]:
    """Where and why a project first differs from the reference.

    Parameters
    ----------
    vectors
        A number of random vectors, or an HDF5 file of vectors; by default what `levelone csim` takes: the
        golden vectors in the project, then random ones. Of a network so large that not all of them would be
        run, random ones are not even searched for if the golden ones show a difference.
    seed
        Of the random vectors.

    Returns
    -------
    dict
        See `levelone.verify.diagnosis.diagnose`.

    Raises
    ------
    LeveloneError
        If there is nothing to compare with, the project does not build or run, or there are no vectors.
    """
    graph = read_graph(body_of(project).read(project))
    golden = _golden(project, graph) if vectors is None else None
    random = random_count(graph, [project])
    if golden is not None and (_events(golden) + random) * work_per_event(graph) > ENOUGH:
        found = diagnose(project, golden, graph=graph)
        if found["verdict"] != "exact":
            return found | {"left_out": found["left_out"] + random}
    return diagnose(project, _codes(graph, golden, vectors, random, seed), graph=graph)


def _events(codes: Mapping[str, Codes]) -> int:
    return len(next(iter(codes.values())))


def _golden(project: Path, graph: Graph) -> dict[str, Codes] | None:
    path = project / SIDE / VECTORS
    return dict(read_vectors(path, graph).inputs) if lexists(path) else None


def _codes(
    graph: Graph, golden: Mapping[str, Codes] | None, vectors: str | None, random: int, seed: int
) -> dict[str, Codes]:
    if vectors is not None and vectors.lstrip("-").isdigit():
        return random_vectors(graph, int(vectors), seed)
    if vectors is not None:
        path = Path(vectors)
        if not path.is_file():
            raise LeveloneError(
                f"--vectors {vectors}: neither a number nor a file", hint="e.g. --vectors 2000"
            )
        return dict(read_vectors(path, graph).inputs)
    chosen = random_vectors(graph, random, seed)
    if golden is None:
        return chosen
    return {name: np.concatenate([golden[name], codes]) for name, codes in chosen.items()}

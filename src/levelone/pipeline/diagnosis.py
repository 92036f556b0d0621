"""`levelone diff`: the vectors of `levelone csim`, and a diagnosis instead of a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph import Codes, Graph
from levelone.hls.manifest import read_manifest
from levelone.pipeline.checks import RANDOM_VECTORS, SIDE
from levelone.pipeline.modules import VECTORS
from levelone.stimuli import random_vectors
from levelone.verify import read_graph, read_vectors
from levelone.verify.diagnosis import diagnose


def diff_folder(project: Path, *, vectors: str | None = None, seed: int = 1) -> dict[str, Any]:
    """Where and why a project first differs from the reference.

    Parameters
    ----------
    vectors
        A number of random vectors, or an HDF5 file of vectors; by default what `levelone csim` takes: the
        golden vectors in the project, then random ones.
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
    graph = read_graph(read_manifest(project))
    return diagnose(project, _codes(project, graph, vectors, seed), graph=graph)


def _codes(project: Path, graph: Graph, vectors: str | None, seed: int) -> dict[str, Codes]:
    if vectors is not None and vectors.lstrip("-").isdigit():
        return random_vectors(graph, int(vectors), seed)
    if vectors is not None:
        path = Path(vectors)
        if not path.is_file():
            raise LeveloneError(
                f"--vectors {vectors}: neither a number nor a file", hint="e.g. --vectors 2000"
            )
        return read_vectors(path, graph).inputs
    chosen = random_vectors(graph, RANDOM_VECTORS, seed)
    golden = project / SIDE / VECTORS
    if not golden.is_file():
        return chosen
    known = read_vectors(golden, graph).inputs
    return {name: np.concatenate([known[name], codes]) for name, codes in chosen.items()}

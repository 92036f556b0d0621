"""One QONNX file through all that levelone does with it: a line of JSON for every stage that ends.

Run by `benchmarks.public_models` in a process of its own, which may be ended at any time.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

from benchmarks.lib.common import quiet
from benchmarks.public_models.floats import compare, read
from benchmarks.public_models.page import NO_QUANTISER
from levelone.errors import LeveloneError
from levelone.graph.reader.load import QONNX_OPS
from levelone.pipeline.checks import check_folder, random_count

VECTORS = 20
MOST_WORDS = 400


def stages(path: Path, folder: Path, events: int) -> Iterator[dict[str, Any]]:
    """What each stage gave, in order; the last one may be a refusal."""
    if not any(node.op_type in QONNX_OPS for node in onnx.load(path).graph.node):
        yield {"stage": "read", "refused": NO_QUANTISER}
        return
    stage, start = "read", time.perf_counter()
    try:
        model, declared = read(path)
        layers = len(model.graph.nodes)
        yield {"stage": stage, "seconds": time.perf_counter() - start, "layers": layers, "port": declared}
        stage, start = "convert", time.perf_counter()
        model.convert(folder / "project", io="stream")
        yield {"stage": stage, "seconds": time.perf_counter() - start}
        stage, start = "csim", time.perf_counter()
        project = folder / "project"
        found = check_folder(project, vectors=min(VECTORS, random_count(model.graph, [project])))
        told = {key: found[key] for key in ("verdict", "vectors", "reason")}
        yield {"stage": stage, "seconds": time.perf_counter() - start, **told}
    except LeveloneError as error:
        words = " ".join(error.message.split())[:MOST_WORDS]
        yield {"stage": stage, "seconds": time.perf_counter() - start, "refused": words}
        return
    start = time.perf_counter()
    kind, details = compare(path, events)
    yield {"stage": "float32", "seconds": time.perf_counter() - start, "class": kind, "details": details}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=2)
    given = parser.parse_args()
    with quiet():
        found = stages(given.file, given.folder, given.events)
    while True:
        with quiet():
            stage = next(found, None)
        if stage is None:
            break
        users = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        peak = max(resource.getrusage(user).ru_maxrss for user in users)
        print(json.dumps(stage | {"megabytes": peak / 1024}), flush=True)


if __name__ == "__main__":
    main()

"""What every benchmark shares: the model, hls4ml's own simulation of the same project, timing, printing."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from benchmarks.lib.networks import NETWORKS
from levelone.graph import Codes, Graph, read_qonnx

COMMITTED = Path(__file__).parents[2] / "hls_projects"


def arguments(description: str | None, *, model: bool = True) -> argparse.ArgumentParser:
    """Options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    if model:
        default = COMMITTED / "pixelseed" / "model.onnx"
        parser.add_argument(
            "--model", type=Path, default=default, help="QONNX file (default: the committed one)"
        )
        parser.add_argument("--network", choices=NETWORKS, help="instead: one of benchmarks/lib/networks.py")
    parser.add_argument("--repeat", type=int, default=3, help="timed repetitions")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send everything printed meanwhile, also by compilers and C++, to standard error."""
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)


def best_seconds(work: Callable[[], Any], repeat: int) -> float:
    """Shortest wall time of `repeat` calls after one that is not counted."""
    work()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


@dataclass(frozen=True)
class Seconds:
    """What some work took.

    Attributes
    ----------
    wall
        Until it was done.
    processor
        Of all cores together, this process and the children that it waited for: other programs on the machine
        change this much less.
    """

    wall: float
    processor: float

    def per(self, count: int) -> Seconds:
        return Seconds(self.wall / count, self.processor / count)


def processor_seconds() -> float:
    """What `Seconds.processor` is a difference of."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def timed(work: Callable[[], Any]) -> Seconds:
    """One call."""
    wall, before = time.perf_counter(), processor_seconds()
    work()
    return Seconds(time.perf_counter() - wall, processor_seconds() - before)


def taking_turns(works: Mapping[str, Callable[[], Any]], repeat: int) -> dict[str, Seconds]:
    """Medians over `repeat` rounds, each of one call of everything, after a round that does not count."""
    rounds = [{name: timed(work) for name, work in works.items()} for _ in range(repeat + 1)][1:]
    return {
        name: Seconds(
            statistics.median(found[name].wall for found in rounds),
            statistics.median(found[name].processor for found in rounds),
        )
        for name in works
    }


def load(options: argparse.Namespace, folder: Path) -> tuple[Graph, Path]:
    """The graph and file of ``--network`` (written to `folder`) or ``--model``."""
    path = Path(options.model)
    if options.network:
        path = folder / f"{options.network}.onnx"
        onnx.save(NETWORKS[options.network](), path)
    return read_qonnx(path), path


def real_inputs(graph: Graph, codes: Mapping[str, Codes]) -> list[NDArray[np.float32]]:
    """Input codes as the real numbers that hls4ml's ``predict`` takes, one contiguous array per port."""
    reals = []
    for port in graph.inputs:
        exponent = port.value.exponent
        if exponent is None:
            raise SystemExit(f"{port.value.name}: hls4ml's predict needs a power-of-two input scale")
        values = np.ldexp(codes[port.value.name].astype(np.float32), exponent)
        reals.append(np.ascontiguousarray(values))
    return reals


def plain_hls4ml(project: Path) -> tuple[Any, float]:
    """hls4ml's own handle of a project folder, compiled by its own script: (model, build seconds)."""
    from hls4ml.converters import link_existing_project

    with contextlib.chdir(project):  # the project names no folder of its own, so that it can be moved
        model = link_existing_project(".")
        start = time.perf_counter()
        model.compile()
        return model, time.perf_counter() - start


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of its rows: the header and the line below it are the first two."""
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def show(result: Mapping[str, Any], as_json: bool) -> None:
    """One JSON object, or one aligned line per entry."""
    if as_json:
        print(json.dumps(result))
        return
    width = max(map(len, result))
    for key, value in result.items():
        print(f"{key:{width}}  {value:.4g}" if isinstance(value, float) else f"{key:{width}}  {value}")

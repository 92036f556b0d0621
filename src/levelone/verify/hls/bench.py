"""The events of an edited test bench, against the reference: it must expect what the graph computes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levelone.files import sha256
from levelone.graph import execute
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hardware.body import between_codes
from levelone.hls.manifest import HlsInput, Manifest
from levelone.hls.words import two_words
from levelone.verify.hls.source import NUMBER
from levelone.verify.reading import Finding

BLANKS = " \t\r\f\v"
"""What stands between the numbers of a line, as C++ reads it."""


def bench_findings(manifest: Manifest, graph: Graph) -> list[Finding]:
    """What is wrong with the test bench's events; nothing if they are as they were written, or right."""
    bench = manifest.document.test_bench
    digests = manifest.document.digests
    if all(_digest(manifest.project / name) == digests.get(name) for name in (bench.inputs, bench.outputs)):
        return []
    given = _codes(manifest.project / bench.inputs, manifest.inputs)
    sizes = [port.words * math.prod(port.shape) for port in manifest.outputs]
    expected = _columns(manifest.project / bench.outputs, sizes)
    if given is None or any(
        codes.min() < port.lo or codes.max() > port.hi
        for codes, port in zip(given, manifest.inputs, strict=True)
    ):
        return [
            Finding(bench.inputs, "file", "does not hold events, a line of codes of the input ports each")
        ]
    if expected is None or len(expected[0]) != len(given[0]):
        told = f"does not hold the outputs of the {len(given[0])} events of {bench.inputs}"
        return [Finding(bench.outputs, "file", told)]
    inputs = {port.name: codes for port, codes in zip(manifest.inputs, given, strict=True)}
    answers = execute(graph, inputs, keep="outputs")
    for port, numbers in zip(manifest.outputs, expected, strict=True):
        codes = answers[port.name].reshape(len(numbers), -1)
        words = np.concatenate(two_words(codes)[: port.words], axis=1)
        wrong = np.argwhere(numbers != np.ldexp(words, port.exponent))
        if len(wrong):
            told = f"event {wrong[0][0]}: not the {port.name} that the graph computes of {bench.inputs}"
            return [Finding(bench.outputs, "file", told)]
    return []


def _digest(path: Path) -> str | None:
    return sha256(path) if path.is_file() else None


def _codes(path: Path, ports: Sequence[HlsInput]) -> list[Codes] | None:
    """Codes by port, [event, *shape]; None if the file is not a table of such codes, or is empty."""
    columns = _columns(path, [math.prod(port.shape) for port in ports])
    if columns is None:
        return None
    found = []
    for port, numbers in zip(ports, columns, strict=True):
        with np.errstate(over="ignore"):
            codes = np.ldexp(numbers, -port.exponent)
        if between_codes(codes).any() or not (np.abs(codes) < 2**53).all():
            return None
        found.append(codes.astype(np.int64).reshape(-1, *port.shape))
    return found


def _columns(path: Path, sizes: Sequence[int]) -> list[NDArray[np.float64]] | None:
    """Numbers by port, [event, size]; None if the file is not a table of such events, or is empty."""
    try:
        lines = path.read_bytes().decode("ascii").removesuffix("\n").split("\n")
    except (OSError, ValueError):
        return None
    rows = [re.split(f"[{BLANKS}]+", line.strip(BLANKS)) for line in lines]
    if any(len(row) != sum(sizes) or not all(map(NUMBER.fullmatch, row)) for row in rows):
        return None
    table = np.array([list(map(float, row)) for row in rows])
    return np.split(table, np.cumsum(sizes)[:-1], axis=1)

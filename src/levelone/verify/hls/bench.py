"""The events of an edited test bench, against the reference: it must expect what the graph computes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from levelone.files import sha256
from levelone.graph import execute
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hardware.body import between_codes
from levelone.hls.manifest import HlsInput, HlsOutput, Manifest
from levelone.hls.words import joined
from levelone.verify.reading import Finding


def bench_findings(manifest: Manifest, graph: Graph) -> list[Finding]:
    """What is wrong with the test bench's events; nothing if they are as they were written, or right."""
    bench = manifest.document.test_bench
    digests = manifest.document.digests
    if all(_digest(manifest.project / name) == digests.get(name) for name in (bench.inputs, bench.outputs)):
        return []
    given = _codes(manifest.project / bench.inputs, manifest.inputs)
    expected = _codes(manifest.project / bench.outputs, manifest.outputs)
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
    for port, codes in zip(manifest.outputs, expected, strict=True):
        wrong = np.argwhere(codes != answers[port.name])
        if len(wrong):
            told = f"event {wrong[0][0]}: not the {port.name} that the graph computes of {bench.inputs}"
            return [Finding(bench.outputs, "file", told)]
    return []


def _digest(path: Path) -> str | None:
    return sha256(path) if path.is_file() else None


def _codes(path: Path, ports: Sequence[HlsInput | HlsOutput]) -> list[Codes] | None:
    """Codes by port, [event, *shape]; None if the file is not a table of such codes, or is empty."""
    try:
        rows = [[float(word) for word in line.split()] for line in path.read_text("ascii").splitlines()]
    except (OSError, ValueError):
        return None
    words = [port.words if isinstance(port, HlsOutput) else 1 for port in ports]
    sizes = [math.prod(port.shape) * count for port, count in zip(ports, words, strict=True)]
    if not rows or any(len(row) != sum(sizes) for row in rows):
        return None
    found, at = [], 0
    for port, size, count in zip(ports, sizes, words, strict=True):
        part = np.ldexp(np.array(rows)[:, at : at + size], -port.exponent)
        if not np.isfinite(part).all():
            return None
        nearest, *rest = np.split(part, count, axis=1)
        codes = joined(nearest, rest[0] if rest else np.zeros_like(nearest))
        if between_codes(codes).any() or (not rest and (np.abs(nearest) >= 2**53).any()):
            return None
        found.append(codes.astype(np.int64).reshape(-1, *port.shape))
        at += size
    return found

"""A body from outside levelone, as small as it can be: a program in JSON, run by plain Python.

It knows three operations and shares no code with levelone's own evaluation. It is chosen as
``outside_body:BODY``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from levelone.errors import LeveloneError, UnsupportedError
from levelone.files import atomic_path
from levelone.graph.ir import Graph
from levelone.graph.ops import Dense, Relu, Requantise
from levelone.graph.values import Codes, Rounding
from levelone.hardware.body import DOCUMENT, MODEL, SIDE, Body, Chunk, Generated

PROGRAM = "program.json"
EVENTS_AT_ONCE = 16


def step_of(name: str, op: Any, inputs: tuple[str, ...]) -> dict[str, Any]:
    match op:
        case Dense():
            rows = (op.weights * op.step).T.tolist()
            return {"name": name, "do": "sum", "of": inputs[0], "rows": rows, "bias": op.bias.tolist()}
        case Relu():
            return {"name": name, "do": "positive", "of": inputs[0]}
        case Requantise(rounding=Rounding.ROUND, zero_point=0, multiplier=(factor,), offset=(term,)):
            limits = [op.range.lo, op.range.hi]
            return {
                "name": name,
                "do": "round",
                "of": inputs[0],
                "by": [str(factor), str(term)],
                "to": limits,
            }
    raise UnsupportedError(f"{name}: the outside body knows no {type(op).__name__}")


def done(step: dict[str, Any], x: list[int]) -> list[int]:
    match step["do"]:
        case "sum":
            pairs = zip(step["rows"], step["bias"], strict=True)
            return [b + sum(w * c for w, c in zip(row, x, strict=True)) for row, b in pairs]
        case "positive":
            return [max(c, 0) for c in x]
        case _:
            factor, term = (Fraction(text) for text in step["by"])
            low, high = step["to"]
            return [min(max(round(c * factor + term), low), high) for c in x]


@dataclass(frozen=True)
class Loaded:
    program: dict[str, Any]
    gain: int
    build_seconds: float = 0.0
    reused: bool = False

    def run(self, codes: Mapping[str, Codes], *, workers: int | None = None) -> Iterator[Chunk]:
        count = len(next(iter(codes.values())))
        for start in range(0, count, EVENTS_AT_ONCE):
            events = slice(start, min(start + EVENTS_AT_ONCE, count))
            found: dict[str, list[list[int]]] = {name: c[events].tolist() for name, c in codes.items()}
            for step in self.program["steps"]:
                found[step["name"]] = [done(step, x) for x in found[step["of"]]]
            recorded = {s["name"]: np.array(found[s["name"]], dtype=np.int64) for s in self.program["steps"]}
            outputs = {name: self.gain * recorded[name] for name in self.program["outputs"]}
            yield Chunk(events, recorded, outputs)


@dataclass(frozen=True)
class OutsideBody:
    name: str = "outside_body:BODY"
    title: str = "plain Python"
    gain: int = 1

    def write(
        self,
        graph: Graph,
        folder: Path,
        *,
        choices: Any = None,
        model: Path | None = None,
        extras: Mapping[str, bytes | Path] | None = None,
        golden: Mapping[str, Codes] | None = None,
    ) -> None:
        steps = [step_of(node.name, node.op, node.inputs) for node in graph]
        program = json.dumps({"steps": steps, "outputs": list(graph.outputs)})
        with atomic_path(folder, directory=True) as scratch:
            (scratch / SIDE).mkdir()
            assert model is not None
            shutil.copyfile(model, scratch / MODEL)
            (scratch / PROGRAM).write_text(program)
            document = {
                "body": self.name,
                "program": hashlib.sha256(program.encode()).hexdigest(),
                "model": hashlib.sha256(model.read_bytes()).hexdigest(),
                "values": {name: list(value.shape) for name, value in graph.values.items()},
            }
            (scratch / DOCUMENT).write_text(json.dumps(document))

    def read(self, folder: Path) -> Generated:
        document = json.loads((folder / DOCUMENT).read_text())
        same = hashlib.sha256((folder / PROGRAM).read_bytes()).hexdigest() == document["program"]
        edited = () if same else (PROGRAM,)
        values = {name: tuple(shape) for name, shape in document["values"].items()}
        return Generated(folder, document["model"], values, edited, edited)

    def build(self, folder: Path) -> Loaded:
        try:
            return Loaded(json.loads((folder / PROGRAM).read_text()), self.gain)
        except ValueError as error:
            raise LeveloneError(f"{folder / PROGRAM}: {error}") from error


BODY: Body = OutsideBody()
NEGATING: Body = OutsideBody("outside_body:NEGATING", gain=-1)
"""What leaves its ports is not what it records."""

MISNAMED = OutsideBody("another name")

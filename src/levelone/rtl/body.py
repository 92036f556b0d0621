"""RTL in Verilator as a body: what `levelone.verify` needs to know of it."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import ClassVar

from levelone.errors import LeveloneError
from levelone.files import atomic_path, sha256
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hardware.body import Body, Chunk, Generated, OutOfStepError
from levelone.hardware.document import proofs_of
from levelone.rtl.config import RtlConfig
from levelone.rtl.design import PROBES
from levelone.rtl.document import BODY as NAME
from levelone.rtl.document import RtlDocument
from levelone.rtl.project import SOURCES, write_project
from levelone.rtl.simulation import PATIENCE, STEADY, Recording, Traffic, blocked, simulate
from levelone.rtl.verilator import build_simulation, find_verilator

BUILD = "build"
CHUNK_CODES = 4_000_000
"""Recorded codes that a chunk holds at most, unless one event has more."""


@dataclass(frozen=True)
class BuiltRtl:
    """A verilated project. See `levelone.hardware.body.Built`."""

    program: Path
    document: RtlDocument
    build_seconds: float
    reused: bool
    traffic: Traffic = STEADY

    def run(self, codes: Mapping[str, Codes], *, workers: int | None = None) -> Iterator[Chunk]:
        """Run events back to back, in chunks.

        Raises
        ------
        OutOfStepError
            If a run stands still before every beat came; the message names the first layer that waits.
        """
        events = len(next(iter(codes.values())))
        size = sum(prod(shape) for shape in self.document.values.values())
        step = max(1, CHUNK_CODES // size)
        for start in range(0, events, step):
            part = slice(start, min(start + step, events))
            recording = self.record({name: found[part] for name, found in codes.items()})
            whole = min((len(found) for found in recording.layers.values()), default=0)
            if whole:
                yield Chunk(
                    slice(start, start + whole),
                    {name: found[:whole] for name, found in recording.layers.items()},
                    {name: found[:whole] for name, found in recording.outputs.items()},
                )
            if not recording.finished:
                raise OutOfStepError(self.stands(recording, part.stop - part.start))

    def record(self, codes: Mapping[str, Codes]) -> Recording:
        """One run of all these events, with the clocks of every beat."""
        document = self.document
        return simulate(
            self.program,
            document.input_streams,
            document.output_streams,
            document.probes,
            document.values,
            codes,
            self.traffic,
        )

    def stands(self, recording: Recording, events: int) -> str:
        """Which layer waits, in a recording of so many events that did not finish."""
        expected = {name: events * stream.beats for name, stream in self.document.probes.items()}
        place = blocked(list(self.document.probes), recording, expected)
        where = (
            f"layer {place} gave {len(recording.seen[place])} of {expected[place]} beats"
            if place
            else "the outputs wait"
        )
        return f"the design stands still: {where} and no beat moved for {PATIENCE:,} clocks"


@dataclass(frozen=True)
class RtlBody:
    """SystemVerilog, streamed or unrolled, run in Verilator. See `levelone.hardware.body.Body`."""

    name: str = NAME
    title: str = "RTL simulation"
    config: ClassVar[type[RtlConfig]] = RtlConfig

    def write(
        self,
        graph: Graph,
        folder: Path,
        *,
        choices: RtlConfig | None = None,
        model: Path | None = None,
        extras: Mapping[str, bytes | Path] | None = None,
        golden: Mapping[str, Codes] | None = None,
    ) -> None:
        """See `levelone.rtl.project.write_project`."""
        write_project(graph, folder, choices, model=model, extras=extras, golden=golden)

    def read(self, folder: Path) -> Generated:
        """What ``levelone.json`` says, and which files it does not describe any more."""
        folder = Path(folder)
        document = RtlDocument.read(folder)
        edited = tuple(document.edited(folder))
        void = tuple(name for name in edited if name.startswith(f"{SOURCES}/"))
        proofs = tuple(proofs_of(document.layers))
        return Generated(folder, document.model.sha256, document.values, edited, void, proofs)

    def build(self, folder: Path) -> BuiltRtl:
        """Verilate the sources as they lie there, unless the very same ones were verilated before.

        Raises
        ------
        LeveloneError
            If Verilator is missing or refuses them.
        """
        start = time.perf_counter()
        folder = Path(folder).resolve()
        document = RtlDocument.read(folder)
        tool = find_verilator()
        builds = folder / BUILD
        with atomic_path(builds / "sources", directory=True) as snapshot:
            # what is digested is what is compiled, whatever happens to the project meanwhile
            names = _copied(folder / SOURCES, snapshot)
            text = "\n".join([tool.program, *(f"{name} {sha256(snapshot / name)}" for name in names)])
            key = hashlib.sha256(text.encode()).hexdigest()[:16]
            target = builds / key
            program = target / "simulate"
            reused = program.is_file()
            if not reused:
                with atomic_path(target, directory=True) as scratch:
                    build_simulation(
                        scratch,
                        [snapshot / name for name in names],
                        document.project,
                        document.input_streams,
                        document.output_streams,
                        document.probes,
                        macros=(PROBES,),
                    )
        shutil.rmtree(builds / "sources", ignore_errors=True)
        for other in builds.iterdir():
            if other != target and (other / "simulate").is_file():
                shutil.rmtree(other, ignore_errors=True)
        return BuiltRtl(program, document, time.perf_counter() - start, reused)


def _copied(sources: Path, target: Path) -> list[str]:
    names = sorted(path.name for path in sources.glob("*.sv")) if sources.is_dir() else []
    if not names:
        raise LeveloneError(
            f"{sources} holds no SystemVerilog", hint="write the project again with: levelone rtl"
        )
    for name in names:
        shutil.copyfile(sources / name, target / name)
    return names


BODY: Body = RtlBody()

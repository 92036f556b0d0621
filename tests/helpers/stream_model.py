"""A dataflow whose FIFOs are bounded: layers as the C simulation runs them, each until it has to wait."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelone.hardware.streams import INPUTS, OUTPUTS, Edge
from levelone.hls import Manifest
from levelone.hls.compile import one_unit
from levelone.hls.toolchain import find_compiler

Step = tuple[str, bool]
"""(stream, whether a beat is written to it rather than read)."""


@dataclass(frozen=True)
class Layer:
    """What a layer does in every event, in this order."""

    name: str
    steps: tuple[Step, ...]


def stuck(layers: Sequence[Layer], depths: Mapping[str, int], events: int = 3) -> list[str]:
    """Names of the layers that never come to the end of the last event.

    Who runs first does not matter: each does the same in the same order, and nobody takes away the beat, or
    the room, that another one waits for. One schedule therefore shows whether any of them gets stuck.
    """
    held = dict.fromkeys(depths, 0)
    programs = [layer.steps * events for layer in layers]
    done = [0] * len(programs)
    moved = True
    while moved:
        moved = False
        for number, program in enumerate(programs):
            at = done[number]
            while at < len(program):
                stream, writes = program[at]
                if held[stream] == depths[stream] if writes else not held[stream]:
                    break
                held[stream] += 1 if writes else -1
                at += 1
            moved |= at > done[number]
            done[number] = at
    ways = zip(layers, programs, done, strict=True)
    return [layer.name for layer, program, at in ways if at < len(program)]


def edges(layers: Sequence[Layer]) -> dict[str, Edge]:
    """(maker, reader) of every stream."""
    ends = {step: layer.name for layer in layers for step in layer.steps}
    return {stream: (ends[stream, True], ends[stream, False]) for stream, writes in ends if writes}


def tensors(layers: Sequence[Layer]) -> dict[str, int]:
    """Beats of one event in every stream."""
    return Counter(stream for layer in layers for stream, writes in layer.steps if writes)


def held_back(layer: Layer, rng: np.random.Generator) -> Layer:
    """Results leave any number of reads later: a pipeline that waits for data keeps what is in it."""
    steps, following = list(layer.steps), len(layer.steps)
    for at in reversed(range(len(steps))):
        if steps[at][1]:
            following = int(rng.integers(at, following))
            steps.insert(following, steps.pop(at))
    return Layer(layer.name, tuple(steps))


def hoarding(layer: Layer) -> Layer:
    """Everything is read before anything is written: no layer can be later."""
    return Layer(layer.name, tuple(sorted(layer.steps, key=lambda step: step[1])))


_CALL = re.compile(r"^    (?!nnet::save_layer_output)\w+::\w+<.*>\((.*)\); // (\w+)$", re.MULTILINE)
_VIEW = re.compile(r"auto& (\w+) = (\w+);")
_DEPTH = re.compile(r"#pragma HLS STREAM variable=(\w+) depth=(\d+)")
_STEP = re.compile(r"^(read|write) (\w+)$", re.MULTILINE)


def chosen_depths(manifest: Manifest) -> dict[str, int]:
    """Depths of the FIFOs of a streamed project, by stream."""
    return {name: int(depth) for name, depth in _DEPTH.findall(_top(manifest))}


def recorded(manifest: Manifest) -> list[Layer]:
    """The layers of a streamed project, with the order in which their C++ reads and writes.

    The test bench is the outside: it gives, and takes, one tensor after the other.
    """
    folder, name = manifest.project, manifest.name
    data = folder / "tb_data" / "tb_input_features.dat"
    data.write_text(data.read_text(encoding="ascii").splitlines()[0] + "\n", encoding="ascii")  # one event
    header = Path(__file__).with_name("recording_stream.h")
    units = one_unit(header, Path(f"firmware/{name}.cpp"), Path(f"{name}_test.cpp"))
    command = [str(find_compiler().path), "-std=c++17", "-w", "-O0", *units, "-o", "recorder"]
    subprocess.run(command, cwd=folder, check=True)
    ran = subprocess.run(["./recorder"], cwd=folder, capture_output=True, text=True, check=True)
    steps = [(stream, what == "write") for what, stream in _STEP.findall(ran.stderr)]

    views = dict(_VIEW.findall(_top(manifest)))
    layers, written = [], {port.name for port in manifest.inputs}
    for arguments, layer in _CALL.findall(_top(manifest)):
        streams = {views.get(argument, argument) for argument in arguments.split(", ")}
        own = tuple(step for step in steps if step[0] in streams and step[1] != (step[0] in written))
        layers.append(Layer(layer, own))
        written |= streams
    theirs = {step for layer in layers for step in layer.steps}
    rest = [step for step in steps if step not in theirs]
    outside = [Layer(INPUTS, tuple(step for step in rest if step[1]))]
    outside.append(Layer(OUTPUTS, tuple(step for step in rest if not step[1])))
    return [*outside, *layers]


def _top(manifest: Manifest) -> str:
    return (manifest.project / "firmware" / f"{manifest.name}.cpp").read_text(encoding="utf-8")

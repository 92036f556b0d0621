"""Integer graph -> project folder: firmware, test bench with golden vectors, and `levelone.json`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph import execute
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hardware.folder import copy_extras, project_folder
from levelone.hls import testbench, words
from levelone.hls.ap_fixed import ap
from levelone.hls.config import HlsConfig
from levelone.hls.describe import describe
from levelone.hls.emit import build_model
from levelone.hls.lower import lower
from levelone.hls.manifest import BODY, Manifest
from levelone.hls.names import firmware_names, project_name
from levelone.hls.parameters import check_parameters
from levelone.hls.spec import LayerSpec
from levelone.hls.writer import copy_headers, write_firmware
from levelone.stimuli import affordable, random_vectors

GOLDEN_EVENTS = (4, 32)
"""Fewest and most events of the test bench."""

GOLDEN_NUMBERS = 2**22
"""Inputs and outputs in all events of the test bench: some tens of megabytes of text."""

GOLDEN_WORK = 250_000_000
"""Multiplications and codes (`work_per_event`) in all of them: few events are not searched for."""

GOLDEN_SEED = 1


def convert(
    graph: Graph,
    output: Path,
    config: HlsConfig | None = None,
    *,
    name: str = "myproject",
    model: Path | None = None,
    extras: Mapping[str, bytes | Path] | None = None,
    golden: Mapping[str, Codes] | None = None,
) -> Manifest:
    """Write an hls4ml project for `graph`.

    The folder appears complete or not at all, and holds the same bytes for the same arguments. An earlier
    project of that name is replaced; what else lies in its folder (vendor tool output, say) is kept.

    Parameters
    ----------
    graph
        What the hardware shall compute.
    output
        The folder.
    config
        The hardware; by default an unrolled design for the default part.
    name
        Top function and file stem: a C identifier that nothing else is called (`names.project_name`).
    model
        The QONNX file that `graph` was read from; copied to ``levelone/model.onnx``, its digest recorded.
    extras
        Files to keep beside it under ``levelone/``: name -> bytes or path (``recipe.toml``, ...).
    golden
        Input codes of the test bench's events, by value name; by default corners and random ones, fewer of
        large images.

    Raises
    ------
    UnsupportedError
        If the graph has a node that hls4ml cannot carry exactly.
    LeveloneError
        If `output` is something else than a levelone project, or cannot be written.
    """
    config = config or HlsConfig()
    output = Path(output)
    if name != project_name(name):
        raise LeveloneError(
            f"project name {name!r}: expected a C identifier that nothing else is called, "
            f"{project_name(name)!r} say"
        )
    with project_folder(output, BODY) as folder:
        specs = lower(graph, config)
        names = _names(specs, name)
        renamed = [_renamed(spec, names) for spec in specs]
        stamp = hashlib.sha256(_described(renamed, config, name).encode()).hexdigest()[:8]
        codes = golden or random_vectors(graph, _golden_events(graph), GOLDEN_SEED)
        ordered = {port.value.name: codes[port.value.name] for port in graph.inputs}
        answers = execute(graph, ordered, keep="outputs")
        ports = [names[port] for port in ordered], [names[port] for port in graph.outputs]
        built = build_model(renamed, *ports, config, name, str(folder), stamp)
        write_firmware(built, folder)
        words.complete(built, renamed, folder)
        copy_headers(renamed, folder)
        check_parameters(renamed, folder)
        results = {port: answers[port] for port in graph.outputs}
        variables = zip(graph.outputs, built.get_output_variables(), strict=True)
        wide = [port for port, variable in variables if words.words_of(variable) > 1]
        events = testbench.write_vectors(folder, ordered, results, list(graph.values.values()), wide)
        copy_extras(folder, model, extras or {})
        document = describe(
            graph, config, name, specs, names, built, stamp=stamp, model=model, events=events
        ).with_digests(folder)
        document.write(folder)
    return Manifest(output, document)


def _golden_events(graph: Graph) -> int:
    """Events of the test bench; fewer of large images and of large networks."""
    ports = [*(port.value.name for port in graph.inputs), *graph.outputs]
    numbers = sum(graph.values[name].size for name in ports)
    fewest, most = GOLDEN_EVENTS
    return affordable(graph, (fewest, min(most, GOLDEN_NUMBERS // numbers)), GOLDEN_WORK)


def _names(specs: Sequence[LayerSpec], project: str) -> dict[str, str]:
    """What each layer is called in the firmware."""
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise UnsupportedError(
                f"{name}: this name is needed for a helper layer", hint="rename that tensor"
            )
    values = [spec.name for spec in specs if spec.value is not None]
    return firmware_names([*values, *(name for name in names if name not in values)], project)


def _renamed(spec: LayerSpec, names: Mapping[str, str]) -> LayerSpec:
    return replace(spec, name=names[spec.name], inputs=tuple(names[name] for name in spec.inputs))


def _described(specs: Sequence[LayerSpec], config: HlsConfig, project: str) -> str:
    """Everything that shapes the firmware, as text."""
    lines = [project, config.model_dump_json()]
    for spec in specs:
        types = {key: ap(fixed) for key, fixed in sorted(spec.all_types.items())}
        codes = {
            key: hashlib.sha256(p.codes.tobytes()).hexdigest() for key, p in sorted(spec.parameters.items())
        }
        attributes = sorted(spec.attributes.items())
        lines.append(f"{spec.name} {spec.kind} {spec.inputs} {spec.shape} {types} {codes} {attributes}")
    return "\n".join(lines)

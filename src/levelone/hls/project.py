"""Integer graph -> project folder: firmware, test bench with golden vectors, and `levelone.json`."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from levelone import __version__
from levelone.errors import LeveloneError, UnsupportedError
from levelone.files import atomic_path, sha256
from levelone.graph import execute
from levelone.graph.ir import Graph, HostEnd, InputQuantiser
from levelone.graph.values import Codes, Value
from levelone.hardware.body import MODEL, SIDE
from levelone.hardware.proof import Proof
from levelone.hardware.types import exponent_of, value_type
from levelone.hls import manifest as manifests
from levelone.hls import testbench
from levelone.hls.ap_fixed import ap
from levelone.hls.config import HlsConfig
from levelone.hls.emit import build_model, pipeline_style
from levelone.hls.lower import lower
from levelone.hls.manifest import Manifest, read_manifest
from levelone.hls.names import firmware_names
from levelone.hls.spec import LayerSpec
from levelone.hls.writer import copy_headers, write_firmware
from levelone.stimuli import random_vectors

GOLDEN_EVENTS = 32
GOLDEN_SEED = 1


def convert(
    graph: Graph,
    output: Path,
    config: HlsConfig | None = None,
    *,
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
    model
        The QONNX file that `graph` was read from; copied to ``levelone/model.onnx``, its digest recorded.
    extras
        Files to keep beside it under ``levelone/``: name -> bytes or path (``recipe.toml``, ...).
    golden
        Input codes of the test bench's events, by value name; by default corners and random ones.

    Raises
    ------
    UnsupportedError
        If the graph has a node that hls4ml cannot carry exactly.
    LeveloneError
        If `output` is something else than a levelone project, or cannot be written.
    """
    config = config or HlsConfig()
    output = Path(output)
    _check_target(output)
    specs = lower(graph, config)
    names = _firmware_names(specs, config)
    renamed = [_rename(spec, names) for spec in specs]
    stamp = hashlib.sha256(_describe(renamed, config).encode()).hexdigest()[:8]
    codes = (
        random_vectors(graph, GOLDEN_EVENTS, GOLDEN_SEED)
        if golden is None
        else {port.value.name: golden[port.value.name] for port in graph.inputs}
    )
    answers = execute(graph, codes, keep="outputs")
    inputs, outputs = [names[p.value.name] for p in graph.inputs], [names[name] for name in graph.outputs]
    with atomic_path(output, directory=True) as folder:
        built = build_model(renamed, inputs, outputs, config, str(folder), stamp)
        write_firmware(built, folder)
        copy_headers(renamed, folder)
        check_parameters(renamed, folder)
        events = testbench.write_vectors(
            folder, codes, {name: answers[name] for name in graph.outputs}, list(graph.values.values())
        )
        _copy_extras(folder, model, extras or {})
        document = _document(
            graph, config, specs, names, _records(built), _reuse(built), stamp, model, events
        )
        document["digests"] = {
            path.relative_to(folder).as_posix(): sha256(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        (folder / manifests.FILE).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        _keep_others(output, folder)
    return read_manifest(output)


def edited_files(manifest: Manifest) -> list[str]:
    """Generated files that were changed or removed since they were written."""
    found = []
    for name, digest in manifest.data["digests"].items():
        path = manifest.project / name
        if not path.is_file() or sha256(path) != digest:
            found.append(name)
    return found


def _check_target(output: Path) -> None:
    if not output.exists():
        return
    if not output.is_dir():
        raise LeveloneError(f"{output} is a file, a project is a folder", hint="choose another -o")
    if any(output.iterdir()):
        try:
            read_manifest(output)
        except LeveloneError as error:
            if manifests.SCHEMA in _text(output / manifests.FILE):
                return  # a project of another version, or a damaged one
            raise LeveloneError(
                f"{output} exists and is not a levelone project; nothing was written",
                hint="choose another -o, or remove that folder yourself",
            ) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _keep_others(output: Path, folder: Path) -> None:
    """Carry over what an earlier project folder holds beside the generated files."""
    if not output.is_dir():
        return
    generated = {path.name for path in folder.iterdir()}
    for entry in sorted(output.iterdir()):
        if entry.name in generated:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, folder / entry.name, symlinks=True)
        else:
            shutil.copy2(entry, folder / entry.name, follow_symlinks=False)


def _firmware_names(specs: Sequence[LayerSpec], config: HlsConfig) -> dict[str, str]:
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise UnsupportedError(
                f"{name}: this name is needed for a helper layer", hint="rename that tensor"
            )
    values = [spec.name for spec in specs if spec.value is not None]
    return firmware_names([*values, *(name for name in names if name not in values)], config.project_name)


def _rename(spec: LayerSpec, names: Mapping[str, str]) -> LayerSpec:
    return replace(spec, name=names[spec.name], inputs=tuple(names[name] for name in spec.inputs))


def _describe(specs: Sequence[LayerSpec], config: HlsConfig) -> str:
    """Everything that shapes the firmware, as text."""
    lines = [repr(config)]
    for spec in specs:
        types = {key: ap(fixed) for key, fixed in sorted(spec.all_types.items())}
        codes = {
            key: hashlib.sha256(p.codes.tobytes()).hexdigest() for key, p in sorted(spec.parameters.items())
        }
        attributes = sorted(spec.attributes.items())
        lines.append(f"{spec.name} {spec.kind} {spec.inputs} {spec.shape} {types} {codes} {attributes}")
    return "\n".join(lines)


def check_parameters(specs: Sequence[LayerSpec], folder: Path) -> None:
    """Read the weights back from the written headers and compare them with the graph's codes, exactly.

    Raises
    ------
    LeveloneError
        If a printed number is not the intended one.
    """
    for spec in specs:
        for key, parameter in spec.parameters.items():
            path = folder / "firmware" / "weights" / f"{spec.name}_{key}.h"
            written = read_codes(path, parameter.type.exponent)
            codes = parameter.codes
            if spec.outputs_first:
                codes = np.moveaxis(codes, -1, 0)
            if written != codes.reshape(-1).tolist():
                raise LeveloneError(
                    f"{spec.name}: hls4ml wrote other numbers than the {key} codes into {path.name}"
                )


def read_codes(path: Path, exponent: int) -> list[int]:
    """Integer codes of a parameter header, exactly, in units of ``2**exponent``.

    Raises
    ------
    LeveloneError
        If a number is not a whole multiple.
    """
    text = path.read_text(encoding="utf-8")
    numbers = text[text.index("= {") + 3 : text.rindex("};")].split(",")
    unit = Fraction(2) ** exponent
    try:
        codes = [Fraction(number.strip()) / unit for number in numbers]
    except ValueError as error:
        raise LeveloneError(f"{path.name}: {error}") from error
    if any(code.denominator != 1 for code in codes):
        raise LeveloneError(f"{path.name}: a number is not a multiple of 2**{exponent}")
    return [int(code) for code in codes]


def _records(model: Any) -> dict[str, int]:
    """What the firmware records of itself: layer name -> number of elements."""
    return {
        layer.name: layer.get_output_variable().size()
        for layer in model.get_layers()
        if layer.get_attr("function_cpp", None) and layer.get_attr("trace", False)
    }


def _reuse(model: Any) -> dict[str, int]:
    """Reuse factors as hls4ml made them: it takes the nearest one that divides a layer's work."""
    return {layer.name: int(layer.get_attr("reuse_factor", 1)) for layer in model.get_layers()}


def _copy_extras(folder: Path, model: Path | None, extras: Mapping[str, bytes | Path]) -> None:
    wanted: dict[str, bytes | Path] = dict(extras)
    if model is not None:
        wanted["model.onnx"] = Path(model)
    for name, source in wanted.items():
        if Path(name).name != name:
            raise LeveloneError(f"{name!r} is not a plain file name")
        target = folder / SIDE / name
        target.parent.mkdir(exist_ok=True)
        if isinstance(source, bytes):
            target.write_bytes(source)
        else:
            shutil.copyfile(source, target)


def _document(
    graph: Graph,
    config: HlsConfig,
    specs: Sequence[LayerSpec],
    names: Mapping[str, str],
    records: Mapping[str, int],
    reuse: Mapping[str, int],
    stamp: str,
    model: Path | None,
    events: int,
) -> dict[str, Any]:
    by_name = {spec.name: spec for spec in specs}
    operations = {node.name: type(node.op).__name__ for node in graph}
    layers = []
    for node in graph:
        spec = by_name[node.name]
        layers.append(
            _value(graph.values[node.name])
            | {
                "op": operations[node.name],
                "inputs": list(node.inputs),
                "layer": names[node.name],
                "trace": _trace(spec, by_name, names, records),
                "reuse_factor": reuse[names[node.name]],
                "types": {key: ap(fixed) for key, fixed in spec.all_types.items()},
                "proof": None if spec.proof is None else _proof(spec.proof),
            }
        )
    return {
        "schema": manifests.SCHEMA,
        "version": manifests.VERSION,
        "body": manifests.BODY,
        "project": config.project_name,
        "graph": graph.name,
        "left_off": list(graph.left_off),
        "io": config.io,
        "part": config.part,
        "clock_ns": config.clock_ns,
        "clock_uncertainty": config.clock_uncertainty,
        "reuse_factor": config.reuse_factor,
        "strategy": config.strategy,
        "layer_choices": {name: asdict(choice) for name, choice in config.layers.items()},
        "partition_factor": config.partition_factor,
        "tight": config.tight,
        "pipeline_style": pipeline_style(specs, config),
        "backend": "Vitis",
        "stamp": stamp,
        "inputs": [
            _value(port.value)
            | {
                "layer": names[port.value.name],
                "type": ap(value_type(port.value)),
                "source": port.source,
                "channels_first": port.channels_first,
                "quantiser": _quantiser(port.quantiser),
                "host": [repr(step) for step in port.host],
            }
            for port in graph.inputs
        ],
        "outputs": [
            _value(graph.values[name])
            | {"layer": names[name], "type": ap(by_name[name].result), "end": _end(graph.ends.get(name))}
            for name in graph.outputs
        ],
        "layers": layers,
        "helpers": [names[spec.name] for spec in specs if spec.value is None],
        "records": [{"name": name, "size": size} for name, size in records.items()],
        "test_bench": {"events": events, "inputs": testbench.FEATURES, "outputs": testbench.PREDICTIONS},
        "model": {
            "file": None if model is None else MODEL,
            "sha256": None if model is None else sha256(Path(model)),
        },
        "versions": {"levelone": __version__}
        | {name: importlib.metadata.version(name) for name in ("hls4ml", "qonnx", "onnx", "numpy")},
    }


def _proof(proof: Proof) -> dict[str, Any]:
    return {key: entry for key, entry in asdict(proof).items() if entry is not None}


def _trace(
    spec: LayerSpec, by_name: Mapping[str, LayerSpec], names: Mapping[str, str], records: Mapping[str, int]
) -> str | None:
    """The record that shows a value: its own layer's, or for a mere view that of the layer it views."""
    while names[spec.name] not in records:
        if spec.kind != "Reshape":
            return None
        spec = by_name[spec.inputs[0]]
    return names[spec.name]


def _quantiser(quantiser: InputQuantiser) -> dict[str, Any]:
    """What the host does to a number before the port; rationals as text."""
    return {
        "scale": str(quantiser.scale),
        "scales": [str(scale) for scale in quantiser.scales],
        "zero_point": quantiser.zero_point,
        "shifts": [str(shift) for shift in quantiser.shifts],
        "bipolar": quantiser.bipolar,
        "lo": quantiser.range.lo,
        "hi": quantiser.range.hi,
        "rounding": quantiser.rounding.value,
    }


def _end(end: HostEnd | None) -> dict[str, Any] | None:
    """What the host makes of an output's real numbers; rationals as text."""
    if end is None:
        return None
    limits = {"lower": end.lower, "upper": end.upper}
    return {
        "gain": [str(number) for number in end.gain],
        "bias": [str(number) for number in end.bias],
        **{side: None if number is None else str(number) for side, number in limits.items()},
    }


def _value(value: Value) -> dict[str, Any]:
    return {
        "name": value.name,
        "shape": list(value.shape),
        "exponent": exponent_of(value),
        "scale": [str(scale) for scale in value.scale],
        "width": value.width,
        "signed": value.signed,
        "lo": value.range.lo,
        "hi": value.range.hi,
    }

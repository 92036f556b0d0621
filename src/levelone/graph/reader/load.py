"""A file (or a model in memory) -> a checked ONNX protobuf, without touching or trusting the file."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped,unused-ignore]

from levelone.errors import LeveloneError, UnsupportedError, plain

QONNX_OPS = frozenset({"Quant", "IntQuant", "BipolarQuant", "Trunc"})
DOMAINS = (
    "",
    "ai.onnx",
    "qonnx.custom_op.general",
    "qonnx.custom_op.channels_last",
    "onnx.brevitas",
    "finn.custom_op.general",
    "qonnx",
)
"""Domains that are known: ONNX itself, and where Brevitas, FINN and qonnx have put theirs over time."""
RELATIVES = {
    "FloatQuant": "minifloats are no integers: quantise with one of Brevitas' integer quantisers",
    "MultiThreshold": "FINN has turned the quantisers into thresholds: take the QONNX file from before that",
    "QuantizeLinear": "ONNX's own QDQ format: export with brevitas.export.export_qonnx instead",
}
"""Operators of other formats for quantised networks, and what to do about them."""
LARGEST_FILE = 2**31
"""Bytes of a model file, or of the data beside it; protobuf ends there."""


def load_model(source: Path | str | onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    """The model with its external data read in, and how to call it in messages.

    Raises
    ------
    LeveloneError
        If the file is missing, unreadable, not ONNX, or refers to data outside its own folder.
    """
    if isinstance(source, onnx.ModelProto):
        model = onnx.ModelProto()
        model.CopyFrom(source)
        where, folder = "the model", None
    else:
        path = Path(source)
        where, folder = str(path), path.parent
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise LeveloneError(f"cannot read {path}: it is not a regular file")
            if status.st_size > LARGEST_FILE:
                raise LeveloneError(f"{path} is larger than {LARGEST_FILE} bytes")
            content = path.read_bytes()
        except OSError as error:
            raise LeveloneError(f"cannot read {path}: {error.strerror or error}") from error
        model = onnx.ModelProto()
        try:
            model.ParseFromString(content)
        except (DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise LeveloneError(f"{path} is not an ONNX file, or it is damaged") from error
    if not all(isinstance(text, str) for text in _texts(model.graph)):
        raise LeveloneError(f"{where} is damaged: it holds names that are no text")
    if not model.graph.node or not model.graph.output:
        raise LeveloneError(f"{where} holds no ONNX graph")
    if model.functions:
        raise UnsupportedError(
            f"{where} defines functions of its own ({plain(model.functions[0].name)})",
            hint="inline them before exporting (onnx.inliner)",
        )
    _check_operator_set(model, where)
    _check_unique(model.graph, where)
    for tensor in _tensors(model.graph):
        _read_external(tensor, folder, where)
    kinds = {node.op_type for node in model.graph.node}
    if not kinds & QONNX_OPS:
        found = next((kind for kind in RELATIVES if kind in kinds), None)
        raise LeveloneError(
            f"{where} is an ONNX file but not QONNX: it holds no Quant node"
            + (f", but {found}" if found else ""),
            hint=RELATIVES[found]
            if found
            else "export the quantised network with brevitas.export.export_qonnx or `levelone export`",
        )
    return model, where


def _check_operator_set(model: onnx.ModelProto, where: str) -> None:
    known = onnx.defs.onnx_opset_version()
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if not versions:
        raise LeveloneError(f"{where} does not say which version of ONNX's operators it uses (opset_import)")
    if not 1 <= versions[0] <= known:
        raise LeveloneError(
            f"{where} uses version {versions[0]} of ONNX's operators: 1 to {known} are known",
            hint="export it with an older opset, or install a newer onnx",
        )


def _check_unique(graph: onnx.GraphProto, where: str) -> None:
    for what, entries in (("initializers", graph.initializer), ("inputs", graph.input)):
        name, count = Counter(entry.name for entry in entries).most_common(1)[0] if entries else ("", 0)
        if count > 1:
            raise LeveloneError(f"{where} has {count} {what} called '{plain(name)}'")


def _texts(graph: onnx.GraphProto) -> Iterator[object]:
    """Every name in the graph; protobuf hands out bytes where one is no UTF-8."""
    yield graph.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    for tensor in _tensors(graph):
        yield tensor.name
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))
    for info in (*graph.input, *graph.output):
        yield info.name
    for annotation in graph.quantization_annotation:
        yield annotation.tensor_name
        yield from (t for e in annotation.quant_parameter_tensor_names for t in (e.key, e.value))


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _read_external(tensor: onnx.TensorProto, folder: Path | None, where: str) -> None:
    """Replace a reference to a file by the bytes in it, if that file lies in the model's folder."""
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    what = f"{where}: the data of {tensor.name!r} in {location!r}"
    if folder is None:
        raise LeveloneError(
            f"{what} cannot be found from a model in memory", hint="pass the path of the file"
        )
    root = folder.resolve()
    try:
        path = (root / location).resolve()
        inside = bool(location) and path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # the last for a link that leads to itself
        inside = False
    if not inside:
        raise LeveloneError(f"{what} is missing or lies outside the model's folder")
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", -1))
        left = path.stat().st_size - offset
        if offset < 0 or max(length, 0) > left:
            raise ValueError("beyond the end of the file")
        if (left if length < 0 else length) > LARGEST_FILE:
            raise ValueError(f"more than {LARGEST_FILE} bytes")
        with path.open("rb") as stream:
            stream.seek(offset)
            tensor.raw_data = stream.read() if length < 0 else stream.read(length)
    except (OSError, ValueError) as error:
        raise LeveloneError(f"{what} cannot be read: {error}") from error
    tensor.data_location = onnx.TensorProto.DEFAULT
    del tensor.external_data[:]

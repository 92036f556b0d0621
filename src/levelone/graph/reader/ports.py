"""Inputs that reach the network without a quantiser: their type is declared, or annotated in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

from levelone.errors import LeveloneError
from levelone.graph.reader.hosted import HOSTED
from levelone.graph.reader.quantiser_node import NO_ZERO, QUANTISERS, QuantiserNode, code_limits
from levelone.graph.values import Rounding

MOST_BITS = 32


@dataclass(frozen=True)
class PortType:
    """The integers that an input port carries: `bits` of them, `fraction` after the binary point."""

    bits: int
    fraction: int
    signed: bool
    bipolar: bool = False

    def quantiser(self) -> QuantiserNode:
        """As a quantiser that rounds half to even and saturates."""
        scale = np.full((), 2.0**-self.fraction, dtype=np.float32)
        limits = code_limits(self.bits, self.signed, False)
        return QuantiserNode(scale, NO_ZERO, limits, Rounding.ROUND, self.bipolar)


def parse_port_type(text: str) -> PortType:
    """The type that ``int8``, ``uint4``, ``bipolar``, ``fixed<16,6>`` or ``ufixed<8,0>`` means.

    ``fixed<W,I>`` has W bits, I of them before the binary point, as in ap_fixed.

    Raises
    ------
    LeveloneError
        If it is none of these.
    """
    plain = re.sub(r"\s", "", text).lower().removeprefix("ap_")
    found = re.fullmatch(r"(u?)int<?([0-9]{1,3})>?|(u?)fixed<([0-9]{1,3}),(-?[0-9]{1,3})>", plain)
    if plain == "bipolar":
        return PortType(1, 0, True, bipolar=True)
    if plain == "binary":
        return PortType(1, 0, False)
    if found is None:
        raise LeveloneError(
            f"{text!r} is no type of a port", hint="int8, uint8, bipolar, fixed<16,6> or ufixed<8,0>"
        )
    bits = int(found[2] or found[4])
    before = int(found[5]) if found[5] is not None else bits
    signed = not (found[1] or found[3])
    if not 1 + signed <= bits <= MOST_BITS or abs(bits - before) > 64:
        raise LeveloneError(
            f"{text!r}: {1 + signed} to {MOST_BITS} bits are possible, and scales up to 2**64"
        )
    return PortType(bits, bits - before, signed)


def declare_ports(model: onnx.ModelProto, ports: Mapping[str, str]) -> None:
    """Put a quantiser after every input whose type is declared, so that the file itself tells its ports.

    Raises
    ------
    LeveloneError
        If an input does not exist, or its type is unknown.
    """
    graph = model.graph
    for name, kind in port_types(graph, ports, {}).items():
        if name not in ports:
            continue
        taken = {n for node in graph.node for n in (*node.input, *node.output)}
        made = f"{name}_port"
        while made in taken:
            made += "_"
        numbers = {"scale": 2.0**-kind.fraction, "zero": 0.0, "bits": float(kind.bits)}
        for what in ("scale",) if kind.bipolar else numbers:
            graph.initializer.append(numpy_helper.from_array(np.float32(numbers[what]), f"{made}_{what}"))
        for node in graph.node:
            node.input[:] = [made if n == name else n for n in node.input]
        graph.node.insert(0, _quant_node(name, made, kind))
    if not any(entry.domain == DOMAIN for entry in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(DOMAIN, 1))


DOMAIN = "qonnx.custom_op.general"
DECLARED = "the type that was declared for this input"
"""Documentation of a quantiser that is not the network's own."""


def _quant_node(name: str, made: str, kind: PortType) -> onnx.NodeProto:
    if kind.bipolar:
        return onnx.helper.make_node("BipolarQuant", [name, f"{made}_scale"], [made], made, DECLARED, DOMAIN)
    return onnx.helper.make_node(
        "Quant",
        [name, *(f"{made}_{what}" for what in ("scale", "zero", "bits"))],
        [made],
        made,
        DECLARED,
        DOMAIN,
        signed=int(kind.signed),
        narrow=0,
        rounding_mode="ROUND",
    )


def annotated(graph: onnx.GraphProto) -> dict[str, PortType]:
    """Types of tensors that FINN's and qonnx's annotations name, where they are integers."""
    result = {}
    for annotation in graph.quantization_annotation:
        for entry in annotation.quant_parameter_tensor_names:
            if entry.key == "finn_datatype":
                try:
                    result[annotation.tensor_name] = parse_port_type(entry.value)
                except LeveloneError:
                    continue  # FLOAT32 and the like say nothing
    return result


def port_types(
    graph: onnx.GraphProto,
    declared: Mapping[str, str],
    consumers: Mapping[str, list[onnx.NodeProto]],
) -> dict[str, PortType]:
    """Types of the inputs that are ports as they are: declared ones, and annotated ones without a quantiser.

    Raises
    ------
    LeveloneError
        If a declared input does not exist, or its type is unknown.
    """
    parameters = {tensor.name for tensor in graph.initializer}
    names = [info.name for info in graph.input if info.name not in parameters]
    for name in declared:
        if name not in names:
            raise LeveloneError(f"no input is called {name!r}; the model has {', '.join(names) or 'none'}")
    hints = annotated(graph)
    result = {name: parse_port_type(text) for name, text in declared.items()}
    for name in names:
        if name in hints and name not in result and not _quantised(name, consumers):
            result[name] = hints[name]
    return result


def _quantised(name: str, consumers: Mapping[str, list[onnx.NodeProto]]) -> bool:
    """Whether every path from the tensor meets a quantiser before anything that the host cannot compute."""
    open_names, seen = [name], {name}
    while open_names:
        for node in consumers.get(open_names.pop(), []):
            if node.op_type in QUANTISERS:
                continue
            if node.op_type not in HOSTED:
                return False
            fresh = [n for n in node.output if n not in seen]
            seen.update(fresh)
            open_names += fresh
    return True

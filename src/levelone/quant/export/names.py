"""Which name each tensor of an exported graph gets, from the path of the layer that makes it.

The exporter writes into every node through which modules the call led. The innermost one that is the
user's, not one of Brevitas' quantisers, is the node's layer:

- the last node of a layer's call has the layer's name: ``features.c1`` becomes ``features_c1``;
- nodes before it are called after the layer and what they do (``act1_relu``), and those of its parameters'
  quantisers after the parameter (``conv1_weight``);
- what a module with layers of its own computes without them is called after the module and what it does:
  ``block1_add``, and in the outermost module just ``add``.

What would have the same name is numbered: ``pool_1``, ``pool_2``.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import onnx
from torch import nn

_SCOPES = "pkg.torch.onnx.name_scopes"
_WORDS = {
    "MatMul": "matmul",
    "Mul": "multiply",
    "ReduceMean": "mean",
    "Resize": "upsample",
    "Sub": "subtract",
}
"""What nodes that belong to no layer do, where the operator's own name in small letters does not say it."""

_PARAMETERS = {"weight_quant": "weight", "bias_quant": "bias", "input_quant": "input"}
"""Quantisers that do not make the layer's result."""


@dataclass(frozen=True)
class Place:
    """Where in the module a node was made.

    Parameters
    ----------
    layer
        Path of the innermost module that is no part of a quantiser; "" is the outermost module.
    role
        The operand whose quantiser made it (``weight``, ``bias``, ``input``), else "".
    free
        It was computed by a module that has layers, but by none of these.
    """

    layer: str
    role: str
    free: bool


def tensor_names(
    graph: onnx.GraphProto, module: nn.Module, calls: Mapping[str, int], reserved: Iterable[str]
) -> dict[str, str]:
    """First output of each node -> its name, an identifier that is neither `reserved` nor given twice.

    `calls` says how often each layer of `module` is called.
    """
    free: list[tuple[str, str]] = []
    groups: dict[tuple[str, str], list[onnx.NodeProto]] = {}
    flat = {tensor.name for tensor in graph.initializer if list(tensor.dims) == [2]}
    for node in graph.node:
        place = _place(node, module)
        if place.free:
            where = _identifier(place.layer)
            free.append((node.output[0], f"{where}_{_word(node, flat)}".lstrip("_")))
        else:
            groups.setdefault((place.layer, place.role), []).append(node)
    results: list[tuple[str, str]] = []
    below: dict[str, tuple[str, str]] = {}  # output -> (output it belongs to, what it is to that)
    for (layer, role), made in groups.items():
        name = _identifier(layer) or type(module).__name__.lower()
        owners = _by_call(groups.get((layer, ""), []), calls.get(layer, 1))
        chunks = _by_call(made, calls.get(layer, 1))
        for number, chunk in enumerate(chunks):
            last = chunk[-1]
            for node in chunk:
                if node is not last and not (role and node.op_type == last.op_type):
                    below[node.output[0]] = (last.output[0], node.op_type.lower())
                elif role and len(chunks) == len(owners):
                    below[node.output[0]] = (owners[number][-1].output[0], role)
                else:
                    results.append((node.output[0], f"{name}_{role}" if role else name))
    order = {node.output[0]: position for position, node in enumerate(graph.node)}
    names = _numbered(sorted(results, key=lambda pair: order[pair[0]]), reserved)
    names |= _numbered(free, {*reserved, *names.values()})
    while below:  # what belongs to something is named after it
        ready = [(out, f"{names[of]}_{what}") for out, (of, what) in below.items() if of in names]
        names |= _numbered(sorted(ready, key=lambda pair: order[pair[0]]), {*reserved, *names.values()})
        below = {out: pair for out, pair in below.items() if out not in names}
    return names


def _numbered(wanted: Sequence[tuple[str, str]], taken: Iterable[str]) -> dict[str, str]:
    """Key -> the name it wants, with a number if that is taken or several want it."""
    counts = Counter(name for _, name in wanted)
    single = {name for name, count in counts.items() if count == 1} - set(taken)
    used = single.union(taken)
    names: dict[str, str] = {}
    for key, name in wanted:
        number, given = 1, name
        while given not in single and given in used | counts.keys():
            given, number = f"{name}_{number}", number + 1
        used.add(given)
        names[key] = given
    return names


def _place(node: onnx.NodeProto, module: nn.Module) -> Place:
    """See `Place`; from the module paths that the exporter wrote into the node."""
    properties = {entry.key: entry.value for entry in node.metadata_props}
    scopes = ast.literal_eval(properties.get(_SCOPES, "[]"))
    path = scopes[-2] if len(scopes) >= 2 else ""
    found: list[str] = []
    layer = module
    for part in path.split(".") if path else []:
        inner = layer._modules.get(part)
        if inner is None or _of_a_quantiser(inner):
            return Place(".".join(found), _PARAMETERS.get(part, ""), free=False)
        layer = inner
        found.append(part)
    return Place(".".join(found), "", free=any(not _of_a_quantiser(child) for child in layer.children()))


def _of_a_quantiser(module: nn.Module) -> bool:
    return type(module).__module__.startswith(("brevitas.proxy", "brevitas.core", "brevitas.export"))


def _by_call(nodes: list[onnx.NodeProto], calls: int) -> list[list[onnx.NodeProto]]:
    """The nodes of a layer that is called so often, call by call.

    There are fewer calls than that where the exporter found some to be equal (the quantiser of a weight), or
    where a layer has several paths.
    """
    kinds = [node.op_type for node in nodes]
    for number in range(min(calls, len(nodes)), 1, -1):
        size, rest = divmod(len(nodes), number)
        if not rest and kinds == kinds[:size] * number:
            return [nodes[start : start + size] for start in range(0, len(nodes), size)]
    return [nodes] if nodes else []


def _identifier(path: str) -> str:
    name = re.sub(r"\W", "_", path)
    return f"layer_{name}" if name[:1].isdigit() else name


def _word(node: onnx.NodeProto, flat: set[str]) -> str:
    """What a node does; `flat` are the names of target shapes with two axes."""
    if node.op_type == "Reshape" and node.input[1] in flat:
        return "flatten"
    return _WORDS.get(node.op_type, node.op_type.lower())

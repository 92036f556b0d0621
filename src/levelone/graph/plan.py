"""How a graph is run: which kernel computes what, in which order, what may be overwritten and forgotten."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from levelone.graph.ir import Graph, Node
from levelone.graph.kernels import KERNELS, Kernel
from levelone.graph.kernels.carrier import (
    EVENTS_INNERMOST,
    EVENTS_OUTERMOST,
    Arrangement,
    Array,
    carrier,
    events_first,
    events_last,
)
from levelone.graph.kernels.rows import row_kernels
from levelone.graph.ops import Relu, Requantise


@dataclass(frozen=True)
class Step:
    """One kernel, with the pointwise operations that follow it, ready to run.

    Attributes
    ----------
    name
        The value that it computes.
    inputs
        The values that it needs.
    run
        Their arrays -> the array of `name`.
    dead
        Values that nobody needs after it.
    scratch
        Bytes of working memory per event.
    """

    name: str
    inputs: tuple[str, ...]
    run: Callable[..., Array]
    dead: tuple[str, ...]
    scratch: int


@dataclass(frozen=True)
class Plan:
    """The steps that compute the kept values, in order, and how the arrays between them lie in memory."""

    steps: tuple[Step, ...]
    arrangement: Arrangement


def plan(graph: Graph, keep: Collection[str]) -> Plan:
    """How to compute the kept values; what none of them needs is left out."""
    needed = set(keep)
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    nodes = [node for node in graph if node.name in needed]
    kernels, arrangement = row_kernels(graph, nodes), EVENTS_OUTERMOST
    if kernels is None:
        kernels, arrangement = {node.name: kernel_for(graph, node) for node in nodes}, EVENTS_INNERMOST
    chains = _chains(nodes, kernels, keep)
    memory = {port.value.name: port.value.name for port in graph.inputs}  # value -> whose memory it is in
    last = dict.fromkeys(memory, 0)
    for number, chain in enumerate(chains):
        name, inputs = chain[-1].name, chain[0].inputs
        memory[name] = memory[inputs[0]] if kernels[chain[0].name].view else name
        last.update(dict.fromkeys((*inputs, name), number))
    steps = []
    for number, chain in enumerate(chains):
        name, inputs = chain[-1].name, chain[0].inputs
        dead = tuple(value for value, end in last.items() if end == number)
        sharing = [value for value, home in memory.items() if home == memory[inputs[0]] and value != name]
        free = all(last[value] <= number for value in sharing)
        run = _fused(graph, _without_needless(chain, kernels), kernels, free)
        steps.append(Step(name, inputs, run, dead, kernels[chain[0].name].scratch))
    return Plan(tuple(steps), arrangement)


def _chains(nodes: list[Node], kernels: dict[str, Kernel], keep: Collection[str]) -> list[list[Node]]:
    """Every node once: runs of nodes of which all but the first are pointwise and follow nobody else."""
    users: dict[str, list[Node]] = {node.name: [] for node in nodes}
    for node in nodes:
        for name in node.inputs:
            users.setdefault(name, []).append(node)
    chains: list[list[Node]] = []
    taken: set[str] = set()
    for node in nodes:
        if node.name in taken:
            continue
        chain = [node]
        while chain[-1].name not in keep and len(users[chain[-1].name]) == 1:
            (follower,) = users[chain[-1].name]
            if len(follower.inputs) != 1 or kernels[follower.name].pointwise is None:
                break
            chain.append(follower)
        taken.update(node.name for node in chain)
        chains.append(chain)
    return chains


def _fused(graph: Graph, chain: list[Node], kernels: dict[str, Kernel], free: bool) -> Callable[..., Array]:
    """The whole chain; `free` says that nobody needs the first operand's memory any more."""
    kernel = kernels[chain[0].name]
    first = kernel.pointwise if free and kernel.pointwise is not None else kernel.run
    followers = [kernels[node.name].pointwise for node in chain[1:]]
    if not followers:
        return first

    def then(a: Array) -> Array:
        for follower in followers:
            assert follower is not None  # noqa: S101  (that is what made it a follower)
            a = follower(a)
        return a

    if kernel.tiled is not None:
        tiled, dtype = kernel.tiled, carrier(graph.values[chain[-1].name])
        return lambda a: tiled(a, then, dtype)
    if kernel.view and not free:
        return lambda a: then(first(a).copy())
    return lambda *arrays: then(first(*arrays))


def _without_needless(chain: list[Node], kernels: dict[str, Kernel]) -> list[Node]:
    """The chain without rectifiers before a requantisation that cuts off what is negative anyway."""
    needless = {
        node.name
        for node, after in itertools.pairwise(chain[1:])
        if isinstance(node.op, Relu) and kernels[after.name].rising and cuts_negative(after.op)
    }
    return [node for node in chain if node.name not in needless]


def cuts_negative(op: object) -> bool:
    """Whether all codes below zero become what zero becomes: the lowest result of a rising operation."""
    if not isinstance(op, Requantise) or min(op.multiplier) <= 0:
        return False
    channels = max(len(op.multiplier), len(op.offset))
    at_zero = op.evaluate(np.zeros((1, channels), dtype=np.int64))
    return bool((at_zero == op.range.lo - op.zero_point).all())


def kernel_for(graph: Graph, node: Node) -> Kernel:
    """The fast kernel of a node, or its meaning where there is none."""
    inputs = tuple(graph.values[name] for name in node.inputs)
    output = graph.values[node.name]
    maker = KERNELS.get(type(node.op))
    # Kernels compute in floats; operands that need more have only the meaning.
    floating = all(carrier(v) in (np.float32, np.float64) for v in (*inputs, output))
    kernel = maker(node.op, inputs, output) if maker is not None and floating else None
    if kernel is not None:
        return kernel
    dtype = carrier(output)

    def meaning(*arrays: Array) -> Array:
        exact = [events_first(a).astype(object if a.dtype == object else np.int64, order="C") for a in arrays]
        return events_last(node.op.evaluate(*exact)).astype(dtype, order="C")

    return Kernel(meaning, scratch=32 * max(v.size for v in (*inputs, output)))

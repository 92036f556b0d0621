"""The float tail of a network: what follows its last integers and has no exact integer form is the host's."""

from __future__ import annotations

from dataclasses import dataclass, field

import onnx

from levelone.errors import UnsupportedError
from levelone.graph.host import FloatModel
from levelone.graph.reader.context import Context
from levelone.graph.reader.hosted import hosted_model, may_be_hosted
from levelone.graph.reader.nodes import TooWideError, describe
from levelone.graph.reader.tensors import Constant

ENDS = frozenset({"HardSigmoid"})
"""What has an integer form, but is left to the host at the very end nevertheless."""


@dataclass
class TailNodes:
    """Which nodes the host takes.

    Attributes
    ----------
    loose
        Positions of nodes from which no quantiser and no layer is reached: it may take these.
    taken, made
        Positions of those that it does take, and the tensors that they compute.
    reasons
        Why the first of them could not be read, if it was read.
    """

    nodes: list[onnx.NodeProto]
    loose: frozenset[int]
    taken: set[int] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    reasons: list[UnsupportedError] = field(default_factory=list)

    @classmethod
    def of(cls, nodes: list[onnx.NodeProto], consumers: dict[str, list[onnx.NodeProto]]) -> TailNodes:
        position = {id(node): i for i, node in enumerate(nodes)}
        loose: set[int] = set()
        for i in reversed(range(len(nodes))):
            readers = [reader for name in nodes[i].output for reader in consumers.get(name, [])]
            if may_be_hosted(nodes[i]) and all(position.get(id(r), -1) in loose for r in readers):
                loose.add(i)
        return cls(nodes, frozenset(loose))

    def takes(self, position: int) -> bool:
        """Whether the host must compute a node, for what it is or because it computes one of its operands."""
        node = self.nodes[position]
        ends = position in self.loose and node.op_type in ENDS
        if ends or not self.made.isdisjoint(node.input):
            self._take(position)
        return position in self.taken

    def take_instead(self, position: int, error: UnsupportedError, known: bool) -> None:
        """Let the host compute a node that could not be read; raises `error` if it may not.

        `known`: whether there is a handler for the operator; then only codes that are too wide are a reason.
        """
        if position not in self.loose or (known and not isinstance(error, TooWideError)):
            raise error
        self.reasons.append(error)
        self._take(position)

    def take_producer(self, tensor: str, error: UnsupportedError) -> None:
        """Let the host compute a tensor that is no integers; raises `error` if it may not."""
        found = next((i for i in self.loose if tensor in self.nodes[i].output), None)
        if found is None or found in self.taken:
            raise error
        self.reasons.append(error)
        self._take(found)

    def _take(self, position: int) -> None:
        self.taken.add(position)
        self.made.update(name for name in self.nodes[position].output if name)

    def operands(self, ctx: Context) -> tuple[str, ...]:
        """Tensors that the host is given: neither constants nor its own."""
        names = dict.fromkeys(name for i in sorted(self.taken) for name in self.nodes[i].input if name)
        found = [n for n in names if n not in self.made and not isinstance(ctx.tensors.get(n), Constant)]
        return tuple(found)

    def needed_by(self, ctx: Context, output: str) -> tuple[str, ...]:
        """Those of the operands on which a result depends."""
        wanted = {output}
        for i in sorted(self.taken, reverse=True):
            if not wanted.isdisjoint(self.nodes[i].output):
                wanted.update(self.nodes[i].input)
        return tuple(name for name in self.operands(ctx) if name in wanted)

    def left_off(self) -> list[str]:
        """How `Graph.left_off` calls the nodes."""
        nodes = [self.nodes[i] for i in sorted(self.taken)]
        return [f"{describe(node)} is left to the host; its operand is the output" for node in nodes]

    def model(self, ctx: Context, outputs: list[str], shapes: dict[str, tuple[int, ...]]) -> FloatModel:
        """The nodes as a model of their own."""
        return hosted_model(ctx, [self.nodes[i] for i in sorted(self.taken)], shapes, outputs)

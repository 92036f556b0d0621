"""Networks of published shapes as QONNX, with random weights: speed does not depend on what is learnt."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

DOMAIN = "qonnx.custom_op.general"


@dataclass
class _Net:
    """Layers one after the other; scales are powers of two, so that hls4ml by itself is exact, too."""

    shape: tuple[int, ...]  # channels first
    bits: int
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.given, self.last = self.shape, "x"
        self.quant(2.0**-8, 8, "input")
        self.rms = 0.6

    def constant(self, array: NDArray[np.floating] | float) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, domain=domain, **attributes))
        return name

    def quantised(self, x: str, scale: float, bits: int, signed: bool) -> str:
        parts = [self.constant(scale), self.constant(0), self.constant(bits)]
        return self.add(
            "Quant", x, *parts, domain=DOMAIN, signed=int(signed), narrow=int(signed), rounding_mode="ROUND"
        )

    def quant(self, scale: float, bits: int, name: str) -> None:
        self.last = self.quantised(self.last, scale, bits, signed=False)

    def weights(self, shape: tuple[int, ...]) -> str:
        top = 2 ** (self.bits - 1) - 1
        codes = np.clip(np.rint(self.rng.normal(0, top / 2.5, shape)), -top, top)
        self.fan_in = math.prod(shape[1:])
        return self.quantised(self.constant(codes / 2**self.bits), 2.0**-self.bits, self.bits, signed=True)

    def active(self) -> None:
        """ReLU and a quantiser whose range covers about twice the spread of the sums."""
        self.last = self.add("Relu", self.last)
        spread = math.sqrt(self.fan_in) * 0.2 * self.rms
        scale = 2.0 ** round(math.log2(2.5 * spread / 2**self.bits))
        self.quant(scale, self.bits, "act")
        self.rms = 0.7 * spread

    def conv(self, filters: int, kernel: int, stride: int = 1, pad: int = 0, groups: int = 1) -> None:
        rank = len(self.shape) - 1
        weights = self.weights((filters, self.shape[0] // groups, *[kernel] * rank))
        self.last = self.add(
            "Conv", self.last, weights, kernel_shape=[kernel] * rank, strides=[stride] * rank,
            pads=[pad] * 2 * rank, group=groups,
        )  # fmt: skip
        self.shape = (filters, *((n + 2 * pad - kernel) // stride + 1 for n in self.shape[1:]))
        self.active()

    def pool(self) -> None:
        rank = len(self.shape) - 1
        self.last = self.add("MaxPool", self.last, kernel_shape=[2] * rank, strides=[2] * rank)
        self.shape = (self.shape[0], *(n // 2 for n in self.shape[1:]))

    def dense(self, size: int, last: bool = False) -> None:
        if len(self.shape) > 1:
            self.last = self.add("Flatten", self.last, axis=1)
            self.shape = (math.prod(self.shape),)
        weights = self.weights((size, self.shape[0]))
        self.last = self.add("Gemm", self.last, weights, transB=1)
        self.shape = (size,)
        if not last:
            self.active()

    def model(self) -> onnx.ModelProto:
        given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *self.given])
        made = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [1, *self.shape])
        graph = helper.make_graph(self.nodes, "network", [given], [made], self.constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def jet() -> onnx.ModelProto:
    """A jet-image classifier: 32x32 calorimeter image, three small convolutions, five classes."""
    net = _Net((1, 32, 32), 6)
    for filters in (8, 16, 16):
        net.conv(filters, 3, pad=1)
        net.pool()
    net.dense(32)
    net.dense(5, last=True)
    return net.model()


def svhn() -> onnx.ModelProto:
    """The trigger-sized street-view CNN of Aarrestad et al. (2021), https://arxiv.org/abs/2101.05108."""
    net = _Net((3, 32, 32), 6)
    for filters in (16, 16, 24):
        net.conv(filters, 3)
        net.pool()
    net.dense(42)
    net.dense(64)
    net.dense(10, last=True)
    return net.model()


def separable() -> onnx.ModelProto:
    """Depthwise and pointwise convolutions in turn, as in MobileNet (https://arxiv.org/abs/1704.04861)."""
    net = _Net((3, 32, 32), 6)
    net.conv(16, 3, stride=2, pad=1)
    for filters, stride in ((32, 1), (64, 2), (64, 1)):
        net.conv(net.shape[0], 3, stride, pad=1, groups=net.shape[0])
        net.conv(filters, 1)
    net.dense(10, last=True)
    return net.model()


def muon() -> onnx.ModelProto:
    """The published 3D baseline for muon energies: four convolutions on 50x32x32 cells, two dense."""
    net = _Net((1, 50, 32, 32), 6)
    for filters in (8, 12, 18, 27):
        net.conv(filters, 3, stride=2, pad=1)
    net.dense(108)
    net.dense(1, last=True)
    return net.model()


NETWORKS: dict[str, Callable[[], onnx.ModelProto]] = {
    "jet": jet,
    "svhn": svhn,
    "separable": separable,
    "muon": muon,
}

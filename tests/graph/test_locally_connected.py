"""Layers whose weights differ from position to position, as PyTorch has them written: one operation each."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from brevitas.nn import QuantIdentity
from brevitas.quant import Int8ActPerTensorFixedPoint
from onnx_models import Model, compare, weights
from torch import nn
from torch.nn import functional

from levelone.errors import UnsupportedError
from levelone.graph import Graph, read_qonnx
from levelone.graph.ops import Conv, LocallyConnected
from levelone.quant.export import to_qonnx

SHAPE = (2, 5, 4)


def kinds(graph: Graph) -> list[str]:
    return [type(node.op).__name__ for node in graph]


def ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


class Unfolded:
    """What exporters make of unfold, over any number of axes."""

    def __init__(self, m: Model, shape, kernel, stride, pads, dilation) -> None:
        self.m, self.kernel, self.channels = m, kernel, shape[0]
        self.x = m.quant("x", 0.25, 4)
        if any(map(any, pads)):
            begin, end = zip(*pads, strict=True)
            self.x = m.add("Pad", self.x, ints(0, 0, *begin, 0, 0, *end))
        padded = [n + sum(p) for n, p in zip(shape[1:], pads, strict=True)]
        self.taken = [
            np.arange(0, n - d * (k - 1), s)[:, None] + d * np.arange(k)
            for n, k, s, d in zip(padded, kernel, stride, dilation, strict=True)
        ]
        self.out = tuple(len(rows) for rows in self.taken)

    def tensor_unfold(self) -> str:
        """[n, channels, *out, *kernel], one axis after the other."""
        x, rank = self.x, len(self.kernel)
        for axis, rows in enumerate(self.taken, start=2):
            x = self.m.add("Gather", x, rows, axis=axis)
            axes = list(range(2 + rank + axis - 1))
            x = self.m.add("Transpose", x, perm=[*(a for a in axes if a != axis + 1), axis + 1])
        return x

    def im2col(self) -> str:
        """[n, channels * kernel, out], as `torch.nn.functional.unfold` has it."""
        rank, size = len(self.kernel), int(np.prod(self.kernel))
        x = self.tensor_unfold()
        order = [0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank)]
        return self.m.add(
            "Reshape", self.m.add("Transpose", x, perm=order), ints(0, self.channels * size, -1)
        )


def kernels(m: Model, *shape: int, channels: int | None = None) -> str:
    """Weights through a quantiser; one scale for each element of axis `channels`."""
    scale = 0.125
    if channels is not None:
        scale = 2.0 ** -np.arange(1, shape[channels] + 1)
        scale = scale.reshape([-1 if a == channels else 1 for a in range(len(shape))])
    return m.quant(m.constant(weights(*shape)), scale, 4, narrow=1)


def mul_sum(m: Model, u: Unfolded, bias: bool) -> str:
    x = m.add("Unsqueeze", u.im2col(), ints(1))
    terms, places = u.channels * int(np.prod(u.kernel)), int(np.prod(u.out))
    y = m.add("ReduceSum", m.add("Mul", x, kernels(m, 1, 3, terms, places)), ints(2), keepdims=0)
    y = m.add("Reshape", y, ints(-1, 3, *u.out))
    return m.add("Add", y, m.quant(m.constant(weights(1, 3, *u.out)), 2.0**-6, 7)) if bias else y


def many_axes(m: Model, u: Unfolded, bias: bool) -> str:
    size = int(np.prod(u.kernel))
    x = m.add("Reshape", u.tensor_unfold(), ints(0, u.channels, *u.out, size))
    w = kernels(m, 1, 3, u.channels, *u.out, size, channels=1)
    summed = m.add("Mul", w, m.add("Unsqueeze", x, ints(1)))
    y = m.add("ReduceSum", summed, ints(2, -1), keepdims=0)
    return m.add("Sub", y, m.quant(m.constant(weights(3, *u.out)), 2.0**-6, 7)) if bias else y


def einsum(m: Model, u: Unfolded, bias: bool) -> str:
    out, taps = "dhw"[: len(u.out)], "ijk"[: len(u.out)]
    equation = f"fc{out}{taps},nc{out}{taps} -> nf{out}"
    y = m.add("Einsum", kernels(m, 3, u.channels, *u.out, *u.kernel), u.tensor_unfold(), equation=equation)
    return m.add("Add", m.quant(m.constant(weights(3, *[1] * len(u.out))), 2.0**-6, 7), y) if bias else y


def matrices(m: Model, u: Unfolded, bias: bool) -> str:
    terms, places = u.channels * int(np.prod(u.kernel)), int(np.prod(u.out))
    rows = m.add("Unsqueeze", m.add("Transpose", u.im2col(), perm=[0, 2, 1]), ints(2))
    y = m.add("MatMul", rows, kernels(m, places, terms, 3, channels=2))
    y = m.add("Transpose", m.add("Squeeze", y, ints(2)), perm=[0, 2, 1])
    return m.add("Add", y, m.quant(m.constant(weights(3, places)), 2.0**-6, 7)) if bias else y


def from_the_left(m: Model, u: Unfolded, bias: bool) -> str:
    terms, places = u.channels * int(np.prod(u.kernel)), int(np.prod(u.out))
    columns = m.add("Unsqueeze", m.add("Transpose", u.im2col(), perm=[0, 2, 1]), ints(3))
    y = m.add("MatMul", kernels(m, 1, places, 3, terms), columns)
    return m.add("Add", y, m.quant(m.constant(weights(places, 3, 1)), 2.0**-6, 7)) if bias else y


FORMS = {f.__name__: f for f in (mul_sum, many_axes, einsum, matrices, from_the_left)}
GEOMETRIES = {
    "plain": (SHAPE, (2, 3), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    "padded": (SHAPE, (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "strided": (SHAPE, (2, 2), (2, 2), ((0, 1), (1, 0)), (1, 1)),
    "dilated": ((1, 6, 4), (2, 2), (1, 2), ((0, 0), (1, 1)), (3, 1)),
    "larger than the image": ((2, 2, 2), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "cropped at the end": ((2, 6, 5), (2, 2), (3, 2), ((0, 0), (0, 0)), (1, 1)),
    "a line": ((3, 7), (3,), (2,), ((1, 0),), (1,)),
    "a volume": ((2, 3, 2, 4), (2, 2, 2), (1, 1, 2), ((0, 0), (1, 0), (0, 0)), (1, 1, 1)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_every_form_is_one_operation(form: str, geometry: str) -> None:
    bias = (len(form) + len(geometry)) % 2 == 0
    m, (shape, kernel, stride, pads, dilation) = Model(x=GEOMETRIES[geometry][0]), GEOMETRIES[geometry]
    u = Unfolded(m, shape, kernel, stride, pads, dilation)
    model = m.build(m.quant(FORMS[form](m, u, bias), 0.5, 5))
    graph = read_qonnx(model)
    assert kinds(graph) == ["LocallyConnected", "Requantise"]
    op = next(iter(graph)).op
    assert op.window.kernel == kernel and op.own == u.out and bool(op.bias.any()) == bias
    assert (op.stride, op.dilation) == (stride, dilation)
    assert compare(model, events=3) == 3


def test_weights_that_only_meet_padding_are_none() -> None:
    m = Model(x=(1, 2, 2))
    u = Unfolded(m, (1, 2, 2), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    op = next(iter(read_qonnx(m.build(m.quant(einsum(m, u, False), 0.5, 5))))).op
    assert not op.weights[~op.alive((2, 2))].any()


def test_weights_that_all_positions_share_are_a_convolution() -> None:
    m = Model(x=SHAPE)
    u = Unfolded(m, SHAPE, (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    y = m.add("Einsum", u.im2col(), kernels(m, 3, 18), equation="nkl,fk->nfl")
    model = m.build(m.quant(y, 0.5, 5))
    assert kinds(read_qonnx(model)) == ["Conv", "Requantise"]
    assert compare(model, events=3) == 3


def test_each_channel_by_itself_is_in_groups() -> None:
    m = Model(x=SHAPE)
    u = Unfolded(m, SHAPE, (2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))
    y = m.add("Einsum", u.tensor_unfold(), kernels(m, 2, 4, 3, 2, 2), equation="nchwij,chwij->nchw")
    model = m.build(m.quant(y, 0.5, 5))
    graph = read_qonnx(model)
    assert kinds(graph) == ["LocallyConnected", "Requantise"]
    assert next(iter(graph)).op.groups == 2
    assert compare(model, events=3) == 3


@pytest.mark.parametrize("equation", ["nchw,fchw->nf", "nchw,cdh->ndwh", "nchw,wc->nwh"])
def test_sums_without_a_window_are_read_too(equation: str) -> None:
    m, sizes = Model(x=SHAPE), {"c": 2, "h": 5, "w": 4, "f": 3, "d": 3}
    labels = equation.partition(",")[2].partition("->")[0]
    y = m.add("Einsum", m.quant("x", 0.25, 4), kernels(m, *(sizes[a] for a in labels)), equation=equation)
    model = m.build(m.quant(y, 0.5, 5))
    assert {type(node.op) for node in read_qonnx(model)} & {Conv, LocallyConnected}
    assert compare(model, events=3) >= 2


def test_a_bias_on_no_common_grid_waits_for_the_quantiser() -> None:
    m = Model(x=SHAPE)
    u = Unfolded(m, SHAPE, (2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))
    w = m.quant(m.constant(weights(3, 2, 4, 3, 2, 2)), 0.1, 4)
    y = m.add("Einsum", u.tensor_unfold(), w, equation="nchwij,fchwij->nfhw")
    graph = read_qonnx(m.build(m.quant(m.add("Add", y, m.constant(weights(3, 4, 3))), 0.5, 5)))
    assert kinds(graph)[0] == "LocallyConnected" and not next(iter(graph)).op.bias.any()


REFUSED = {
    "ncl,lcf->lnf": ((8, 2, 3), "does not stay first in"),
    "ncl,fcln->nfl": ((3, 2, 8, 1), "does not stay first in"),
    "ncl,fclk->nfl": ((3, 2, 8, 4), "sums weights that meet no operand"),
    "ncl,fcl->...": ((3, 2, 8), "equation"),
    "nll,fcl->nfl": ((3, 2, 8), "equation"),
    "ncl,ncl->nl": (None, "multiplies two activations"),
}


@pytest.mark.parametrize("equation", REFUSED)
def test_what_is_refused_names_the_node(equation: str) -> None:
    shape, message = REFUSED[equation]
    m = Model(x=(2, 8))
    x = m.quant("x", 0.25, 4)
    other = x if shape is None else kernels(m, *shape)
    model = m.build(m.quant(m.add("Einsum", x, other, equation=equation, out="local"), 0.5, 5))
    with pytest.raises(UnsupportedError, match=rf"'n_local' \(Einsum\) is not supported: .*{message}"):
        read_qonnx(model)


def test_positions_in_front_of_the_events_are_refused() -> None:
    """As `torch.bmm` wants them."""
    m = Model(x=SHAPE)
    u = Unfolded(m, SHAPE, (2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))
    rows = m.add("Transpose", u.im2col(), perm=[2, 0, 1], out="front")
    y = m.add("Transpose", m.add("MatMul", rows, kernels(m, 12, 8, 3)), perm=[1, 2, 0])
    with pytest.raises(UnsupportedError, match=r"'n_front' \(Transpose\)[\s\S]*leaves the batch axis first"):
        read_qonnx(m.build(m.quant(y, 0.5, 5)))


def test_weights_without_a_quantiser_are_refused() -> None:
    m = Model(x=(2, 8))
    given = m.constant(weights(1, 3, 2, 8))
    product_ = m.add("Mul", given, m.add("Unsqueeze", m.quant("x", 0.25, 4), ints(1)), out="products")
    model = m.build(m.quant(m.add("ReduceSum", product_, ints(2), keepdims=0), 0.5, 5))
    with pytest.raises(UnsupportedError, match=rf"n_products.* weights '{given}' are not quantised"):
        read_qonnx(model)
    m = Model(x=(2, 8))
    given = m.constant(weights(3, 2, 8))
    y = m.add("Einsum", given, m.quant("x", 0.25, 4), equation="fcl,ncl->nfl", out="sums")
    with pytest.raises(UnsupportedError, match=rf"n_sums.* weights '{given}' are not quantised"):
        read_qonnx(m.build(m.quant(y, 0.5, 5)))


class Written(nn.Module):
    """The layer as people write it, in four ways beside each other, with Brevitas' quantisers."""

    def __init__(self) -> None:
        super().__init__()
        quantise = {"act_quant": Int8ActPerTensorFixedPoint, "bit_width": 4}
        self.q = QuantIdentity(**quantise)
        for name, shape in (
            ("a", (1, 3, 8, 15)),
            ("b", (1, 3, 2, 3, 5, 4)),
            ("c", (3, 8, 15)),
            ("d", (15, 8, 3)),
        ):
            self.register_parameter(name, nn.Parameter(torch.randn(shape)))
            self.add_module(f"w{name}", QuantIdentity(**quantise))
            self.add_module(f"y{name}", QuantIdentity(**quantise))
        self.bias = nn.Parameter(torch.randn(1, 3, 3, 5).mul(8).round() / 64)

    def forward(self, x):
        x = self.q(x)
        columns = functional.unfold(x, 2, padding=(1, 0), stride=(2, 1))
        cut = functional.pad(x, (0, 0, 1, 1)).unfold(2, 2, 2).unfold(3, 2, 1).contiguous()
        cut = cut.view(*cut.size()[:-2], -1)
        a = (columns.unsqueeze(1) * self.wa(self.a)).sum(2).view(-1, 3, 3, 5)
        b = (cut.unsqueeze(1) * self.wb(self.b)).sum([2, -1]) + self.bias
        c = torch.einsum("nkl,fkl->nfl", columns, self.wc(self.c))
        d = torch.matmul(columns.transpose(1, 2).unsqueeze(2), self.wd(self.d)).squeeze(2)
        return self.ya(a), self.yb(b), self.yc(c), self.yd(d)


def test_what_pytorch_exports_is_read() -> None:
    torch.manual_seed(3)
    module, x = Written(), torch.randn(16, 2, 4, 6) * 2
    module(x)
    model = to_qonnx(module.eval(), x)
    graph = read_qonnx(model)
    assert sorted(kinds(graph)) == ["LocallyConnected"] * 4 + ["Requantise"] * 4
    assert {node.op.window for node in graph if isinstance(node.op, LocallyConnected)} == {
        next(iter(graph)).op.window
    }
    assert compare(model, events=3) >= 8

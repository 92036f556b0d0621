"""Random whole QONNX networks, from a source of integers: branches, skips, several inputs and outputs.

All scales are powers of two and all numbers small, so that float32 execution by qonnx is exact, and equality
with it is what an exact reader must give.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx_models import DOMAIN, Model

Pick = Callable[[int, int], int]
MODES = ("ROUND", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN")


class Network:
    """A network that grows: `tensors` holds name, shape without the batch axis, and bits of what exists."""

    def __init__(self, pick: Pick) -> None:
        self.pick = pick
        rank = pick(0, 3)
        shapes = {f"in{i}": (pick(1, 3), *(pick(1, 5) for _ in range(rank))) for i in range(pick(1, 2))}
        self.model = Model(**shapes)
        self.rng = np.random.default_rng(pick(0, 2**31))
        self.tensors: list[tuple[str, tuple[int, ...], int]] = []
        for name, shape in shapes.items():
            x = name
            for _ in range(pick(0, 2)):
                x, shape = self.before(x, shape)
            for _ in range(pick(1, 2)):
                self.keep(self.quantise(x, shape), shape, 8)

    # parts

    def choose(self, options):
        return options[self.pick(0, len(options) - 1)]

    def keep(self, name: str, shape, bits: int) -> None:
        self.tensors.append((name, tuple(shape), bits))

    def floats(self, *shape, coarse=3):
        """Multiples of 1/8."""
        return np.round(self.rng.standard_normal(shape) * 2**coarse) / 2**coarse

    def scale(self, shape=()):
        exponents = self.rng.integers(-4, 1, size=shape)
        return (2.0**exponents).astype(np.float32)

    def quantise(self, x: str, shape) -> str:
        pick, m = self.pick, self.model
        kind = pick(0, 11)
        if kind == 0:
            return m.add("BipolarQuant", x, self.scale(), domain=DOMAIN)
        size = ()
        if kind == 1:
            size = (1, shape[0], *[1] * (len(shape) - 1))
        signed, zero = pick(0, 1), 0.0
        if kind == 2:
            zero = float(pick(-3, 9))
        if kind == 3:
            zero = pick(-8, 20) / 4
        if kind in (4, 5):  # a shift that changes the real numbers
            x = m.add(("Mul", "Div")[kind - 4], x, np.float32(2.0 ** self.choose((-3, -2, -1, 1, 2))))
        return m.quant(
            x, self.scale(size), pick(1 + signed, 7), signed=signed, narrow=pick(0, 1), zero=zero,
            mode=self.choose(MODES), op=self.choose(("Quant", "IntQuant")),
        )  # fmt: skip

    def before(self, x: str, shape):
        """One step between an input and its quantiser."""
        m, pick = self.model, self.pick
        match pick(0, 5):
            case 0:
                return m.add("Mul", x, m.constant(np.float32(self.choose((0.5, 2, -1))))), shape
            case 1:
                return m.add("Sub", m.constant(self.floats(shape[0], *[1] * (len(shape) - 1))), x), shape
            case 2:
                return m.add("Relu", x), shape
            case 3:
                perm = [int(a) for a in self.rng.permutation(len(shape))]
                return m.add("Transpose", x, perm=[0, *(a + 1 for a in perm)]), tuple(shape[a] for a in perm)
            case 4:
                return m.add("Flatten", x), (int(np.prod(shape)),)
            case _:
                new = (*shape[::-1],)
                return m.add("Reshape", x, m.constant([0, *new], np.int64)), new

    def weights(self, *shape):
        m, per = self.model, self.pick(0, 2)
        scale = self.scale((shape[0], *[1] * (len(shape) - 1))) if per == 0 else self.scale()
        if self.pick(0, 6) == 0:
            return m.add("BipolarQuant", m.constant(self.floats(*shape)), self.scale(), domain=DOMAIN)
        return m.quant(m.constant(self.floats(*shape)), scale, self.pick(2, 5), narrow=self.pick(0, 1))

    # layers

    def grow(self) -> None:
        """Add one operator, or nothing if the one drawn does not fit."""
        x, shape, bits = self.choose(self.tensors)
        LAYERS[self.pick(0, len(LAYERS) - 1)](self, x, shape, bits)

    def quant(self, x, shape, bits) -> None:
        self.keep(self.quantise(x, shape), shape, 8)

    def conv(self, x, shape, bits) -> None:
        if len(shape) < 2 or bits > 12:
            return
        rank, pick = len(shape) - 1, self.pick
        group = shape[0] if pick(0, 3) == 0 else 1
        out = group * pick(1, 2)
        kernel = [pick(1, min(3, n)) for n in shape[1:]]
        stride, pads = [pick(1, 2) for _ in kernel], [pick(0, 1) for _ in range(2 * rank)]
        inputs = [x, self.weights(out, shape[0] // group, *kernel)]
        if pick(0, 1):
            inputs.append(self.model.constant(self.floats(out)))
        y = self.model.add("Conv", *inputs, strides=stride, pads=pads, group=group, kernel_shape=kernel)
        new = [
            (n + pads[i] + pads[rank + i] - k) // s + 1
            for i, (n, k, s) in enumerate(zip(shape[1:], kernel, stride, strict=True))
        ]
        self.keep(y, (out, *new), bits + 9)

    def transposed(self, x, shape, bits) -> None:
        if len(shape) < 2 or bits > 12:
            return
        pick = self.pick
        kernel = [pick(1, 3) for _ in shape[1:]]
        stride = [pick(1, 3) for _ in kernel]
        pads = [pick(0, min(1, k - 1)) for k in kernel]
        size = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(shape[1:], stride, kernel, pads, strict=True)]
        if min(size) < 1 or np.prod(size) > 400:
            return
        groups = pick(1, 2) if shape[0] % 2 == 0 else 1
        out = pick(1, 2)
        w = self.model.quant(
            self.model.constant(self.floats(shape[0], out, *kernel)),
            self.scale((1, out, *[1] * len(kernel))),
            4,
        )
        y = self.model.add(
            "ConvTranspose", x, w, strides=stride, pads=pads * 2, kernel_shape=kernel, group=groups
        )
        self.keep(y, (groups * out, *size), bits + 9)

    def dense(self, x, shape, bits) -> None:
        if bits > 12:
            return
        m, out = self.model, self.pick(1, 4)
        w = m.quant(
            m.constant(self.floats(shape[-1], out)), self.scale((1, out) if self.pick(0, 1) else ()), 4
        )
        y = m.add("MatMul", x, w)
        if self.pick(0, 1):
            y = m.add("Add", y, m.constant(self.floats(out)))
        self.keep(y, (*shape[:-1], out), bits + 9)

    def function(self, x, shape, bits) -> None:
        if bits > 8:
            return
        kind = self.choose(("LeakyRelu", "Clip", "Abs", "HardSigmoid", "PRelu", "ThresholdedRelu"))
        m = self.model
        if kind == "PRelu":
            y = m.add(
                kind, x, m.constant(2.0 ** -np.arange(1, shape[0] + 1).reshape(-1, *[1] * (len(shape) - 1)))
            )
        elif kind == "Clip":
            y = m.add(kind, x, m.constant(np.float32(-0.5)), m.constant(np.float32(0.75)))
        else:
            y = m.add(
                kind, x, **{"LeakyRelu": {"alpha": 0.125}, "HardSigmoid": {"alpha": 0.25}}.get(kind, {})
            )
        y = m.quant(
            y, np.float32(2.0 ** -self.pick(1, 4)), self.pick(2, 6), signed=1, mode=self.choose(MODES)
        )
        self.keep(y, shape, 8)

    def elementwise(self, x, shape, bits) -> None:
        m = self.model
        match self.pick(0, 5):
            case 0:
                self.keep(m.add("Relu", x), shape, bits)
            case 1:
                self.keep(m.add("Neg", x), shape, bits)
            case 2 if bits < 14:
                by = self.choose((0.5, 4.0, -2.0))
                self.keep(m.add("Mul", m.constant(np.float32(by)), x), shape, bits + 2)
            case 3 if bits < 14:
                by = self.floats(shape[0], *[1] * (len(shape) - 1))
                self.keep(m.add(self.choose(("Add", "Sub")), x, m.constant(by)), shape, bits + 3)
            case 4:
                self.keep(m.add("Max", x, m.constant(np.float32(-0.25))), shape, bits + 2)
            case 5:
                self.keep(m.add("Identity", x), shape, bits)

    def pair(self, x, shape, bits) -> None:
        same = [t for t in self.tensors if t[1] == shape and t[0] != x]
        if not same or bits > 14:
            return
        y, _, other = self.choose(same)
        kind = self.choose(("Add", "Sub", "Concat", "Mul"))
        if kind == "Concat":
            axis = self.pick(0, len(shape) - 1)
            new = tuple(2 * n if i == axis else n for i, n in enumerate(shape))
            self.keep(self.model.add("Concat", x, y, axis=axis + 1), new, max(bits, other) + 3)
        elif kind != "Mul" or bits + other < 18:
            new_bits = bits + other if kind == "Mul" else max(bits, other) + 4
            self.keep(self.model.add(kind, x, y), shape, new_bits)

    def pool(self, x, shape, bits) -> None:
        if len(shape) < 2 or bits > 12:
            return
        m, pick = self.model, self.pick
        kind = self.choose(
            ("MaxPool", "AveragePool", "GlobalMaxPool", "ReduceMax", "ReduceSum", "GlobalAveragePool")
        )
        if kind.startswith("Global"):
            if kind == "GlobalAveragePool" and np.prod(shape[1:]) not in (1, 2, 4, 8, 16):
                return
            self.keep(m.add(kind, x), (shape[0], *[1] * (len(shape) - 1)), bits + 4)
            return
        if kind.startswith("Reduce"):
            extra = {"axes": list(range(2, len(shape) + 1))} if kind == "ReduceMax" else {}
            operands = [x] if extra else [x, m.constant(range(2, len(shape) + 1), np.int64)]
            self.keep(m.add(kind, *operands, keepdims=0, **extra), shape[:1], bits + 5)
            return
        kernel = [pick(1, 2) if n > 1 else 1 for n in shape[1:]]
        stride = [pick(1, 2) for _ in kernel]
        ceil = pick(0, 1) if kind == "MaxPool" else 0
        new = [(n - k + (s - 1) * ceil) // s + 1 for n, k, s in zip(shape[1:], kernel, stride, strict=True)]
        new = [a - (ceil and (a - 1) * s >= n) for a, s, n in zip(new, stride, shape[1:], strict=True)]
        y = m.add(kind, x, kernel_shape=kernel, strides=stride, ceil_mode=ceil)
        self.keep(y, (shape[0], *new), bits + 3)

    def move(self, x, shape, bits) -> None:
        m, pick = self.model, self.pick
        match pick(0, 6):
            case 0:
                perm = [int(a) for a in self.rng.permutation(len(shape))]
                new = tuple(shape[a] for a in perm)
                self.keep(m.add("Transpose", x, perm=[0, *(a + 1 for a in perm)]), new, bits)
            case 1:
                self.keep(m.add("Flatten", x), (int(np.prod(shape)),), bits)
            case 2:
                self.keep(m.add("Reshape", x, m.constant([0, -1, shape[-1]], np.int64)),
                          (int(np.prod(shape[:-1])), shape[-1]), bits)  # fmt: skip
            case 3:
                axis = pick(0, len(shape) - 1)
                begin, step = pick(0, shape[axis] - 1), pick(1, 2)
                y = m.add("Slice", x, *(m.constant([v], np.int64) for v in (begin, 99, axis + 1, step)))
                new = len(range(begin, shape[axis], step))
                self.keep(y, (*shape[:axis], new, *shape[axis + 1 :]), bits)
            case 4:
                axis = pick(0, len(shape) - 1)
                picks = [pick(0, shape[axis] - 1) for _ in range(pick(1, 3))]
                y = m.add("Gather", x, m.constant(picks, np.int64), axis=axis + 1)
                self.keep(y, (*shape[:axis], len(picks), *shape[axis + 1 :]), bits)
            case 5 if np.prod(shape) < 200:
                pads = [pick(0, 1) for _ in range(2 * len(shape))]
                half = len(shape)
                y = m.add("Pad", x, m.constant([0, *pads[:half], 0, *pads[half:]], np.int64))
                self.keep(
                    y, [n + b + e for n, b, e in zip(shape, pads[:half], pads[half:], strict=True)], bits
                )
            case 6 if 2 < len(shape) + 1 <= 5 and np.prod(shape) < 100:
                factors = [1, 1, *(pick(1, 2) for _ in shape[1:])]
                y = m.add("Resize", x, m.constant(np.zeros(0)), m.constant(factors), mode="nearest",
                          coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
                self.keep(y, [n * f for n, f in zip(shape, factors[1:], strict=True)], bits)


LAYERS = (
    Network.quant, Network.quant, Network.conv, Network.conv, Network.dense, Network.dense, Network.function,
    Network.elementwise, Network.elementwise, Network.pair, Network.pair, Network.pool, Network.move,
    Network.move, Network.transposed,
)  # fmt: skip


def random_model(pick: Pick) -> onnx.ModelProto:
    """A network of up to a dozen operators whose float32 execution is exact."""
    network = Network(pick)
    for _ in range(pick(1, 12)):
        network.grow()
    ends = {network.tensors[-1][0]}
    for _ in range(pick(0, 2)):
        ends.add(network.choose(network.tensors)[0])
    return network.model.build(*sorted(ends))

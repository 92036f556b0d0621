"""Sigmoid, tanh and Swish as tables: functions of a quantised value, followed by a quantiser.

The table of the hardware holds the function in double precision, rounded once. So that the module says the
same, it too computes and rounds in double precision in evaluation mode (in single precision swish(28) is 28,
which is a tie where 27.99999999998 is none); training runs in single precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from brevitas.nn.quant_layer import QuantNonLinearActLayer
from torch import Tensor, nn


def swish(x: Tensor) -> Tensor:
    """``x * sigmoid(x)``, also called SiLU."""
    return x * torch.sigmoid(x)


class _Precise(nn.Module):
    """A function in double precision in evaluation mode, plain in training and in an exported graph."""

    def __init__(self, of: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._of = of

    def forward(self, x: Tensor) -> Tensor:
        if self.training or torch.compiler.is_exporting():
            return self._of(x)
        return self._of(x.double())


class Swish(_Precise):
    """``x * sigmoid(x)``."""

    def __init__(self) -> None:
        super().__init__(swish)


class Sigmoid(_Precise):
    """The logistic function."""

    def __init__(self) -> None:
        super().__init__(torch.sigmoid)


class Tanh(_Precise):
    """The hyperbolic tangent."""

    def __init__(self) -> None:
        super().__init__(torch.tanh)


class QuantFunction(QuantNonLinearActLayer):
    """One of the functions above and the quantiser of its result.

    Its operand must be quantised itself, to few bits: the table has one entry for each of its codes.
    """

    def __init__(self, function: type[nn.Module], **quantiser: Any) -> None:
        super().__init__(
            act_impl=function, passthrough_act=False, input_quant=None, return_quant_tensor=False, **quantiser
        )
        self.function = function()

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = super().forward(x)
        return result.to(x.dtype)

    def before_quantiser(self, x: Tensor) -> Tensor:
        """The function of `x`, not yet quantised."""
        with torch.no_grad():
            result: Tensor = self.function(x)
        return result

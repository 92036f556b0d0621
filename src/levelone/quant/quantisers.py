"""The Brevitas quantisers of levelone: constant power-of-two scales, ties to even, no zero point."""

from __future__ import annotations

from brevitas.inject.enum import ScalingImplType
from brevitas.quant.base import IntQuant, NarrowIntQuant, PerTensorPoTScaling8bit, UintQuant
from brevitas.quant.solver.act import ActQuantSolver
from brevitas.quant.solver.bias import BiasQuantSolver
from brevitas.quant.solver.weight import WeightQuantSolver

from levelone.quant.scale import FixedScale


class Weight(NarrowIntQuant, PerTensorPoTScaling8bit, WeightQuantSolver):
    """Signed weights without the most negative code, so that negating a weight never overflows."""

    scaling_impl_type = ScalingImplType.CONST
    scaling_impl = FixedScale


class Bias(IntQuant, PerTensorPoTScaling8bit, BiasQuantSolver):
    """Signed bias on the grid of the products it is added to."""

    requires_input_scale = False
    scaling_impl_type = ScalingImplType.CONST
    scaling_impl = FixedScale


class SignedActivation(IntQuant, PerTensorPoTScaling8bit, ActQuantSolver):
    """Signed activations, for inputs that can be negative."""

    scaling_impl_type = ScalingImplType.CONST
    scaling_impl = FixedScale


class UnsignedActivation(UintQuant, PerTensorPoTScaling8bit, ActQuantSolver):
    """Unsigned activations: after a ReLU, and for charges."""

    scaling_impl_type = ScalingImplType.CONST
    scaling_impl = FixedScale

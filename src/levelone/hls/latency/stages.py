"""Clocks from the operands of a layer to its result: delays of logic over the period, all assumed."""

from __future__ import annotations

from math import ceil, log2, prod

import numpy as np

from levelone.hls.config import HlsConfig
from levelone.hls.spec import LayerSpec

MULTIPLY_NS, ADD_NS, SELECT_NS = 2.0, 0.9, 0.6
"""Of a product, a sum or comparison, and a clip, wires included: round numbers for UltraScale+, assumed."""
ENDS = 2
"""Clocks in which a layer takes its operands and gives its result."""


def usable_ns(config: HlsConfig) -> float:
    """The period without what is set aside as uncertain, in ns."""
    told = config.clock_uncertainty
    aside = config.clock_ns * float(told[:-1]) / 100 if told.endswith("%") else float(told)
    return max(config.clock_ns - aside, 0.1 * config.clock_ns)


def stages_of(spec: LayerSpec, config: HlsConfig) -> int:
    """Clocks of one tick of a layer, from its reads to its write."""
    return ENDS + ceil(_delay_ns(spec) / usable_ns(config) - 1e-9)


def _delay_ns(spec: LayerSpec) -> float:
    """Of the longest way through its logic: products, trees of sums, comparisons."""
    constants = {} if spec.body is None else spec.body.constants
    function = "" if spec.body is None else spec.body.function.removeprefix("levelone::")
    if "weight" in spec.parameters:
        weights = spec.parameters["weight"].codes
        kernel = int(constants.get("kernel_size", weights.size))  # weights of one position
        kernels = weights.reshape(-1, kernel // weights.shape[-1], weights.shape[-1])
        terms = int(np.count_nonzero(kernels, axis=1).max())
        return MULTIPLY_NS + ADD_NS * _levels(terms + 1)
    if function == "matmul":
        return MULTIPLY_NS + ADD_NS * _levels(int(constants["inner"]))
    if function in ("scale", "scale_by_channel"):
        return MULTIPLY_NS + 2 * ADD_NS + SELECT_NS
    if function in ("affine", "element_affine"):
        return MULTIPLY_NS + ADD_NS
    if function in ("count_steps", "staircase"):
        return ADD_NS * (1 + _levels(int(constants["steps"]))) + SELECT_NS
    if function == "add_requantise":
        return MULTIPLY_NS + ADD_NS * (3 + int(constants["quotient_bits"]))
    if function == "power":
        return MULTIPLY_NS * (int(constants["exponent"]) - 1)
    if function == "multiply":
        return MULTIPLY_NS
    if "ool" in spec.kind:
        mean = MULTIPLY_NS if "factor" in spec.parameters else 0.0
        return ADD_NS * _levels(_taps(spec)) + mean
    return {"Merge": ADD_NS, "Add": ADD_NS, "Activation": SELECT_NS, "Lookup": SELECT_NS}.get(spec.kind, 0.0)


def _taps(spec: LayerSpec) -> int:
    """Elements under the window of a pool; one that adds up as it goes has two operands."""
    if spec.body is None:
        return prod(size for key, size in spec.attributes.items() if key in ("pool_height", "pool_width"))
    if "reduce" in spec.body.function:
        return 2
    return prod(int(spec.body.constants[f"filt_{axis}"]) for axis in ("depth", "height", "width"))


def _levels(terms: int) -> int:
    """Of a tree that joins so many terms two at a time."""
    return ceil(log2(terms)) if terms > 1 else 0

"""What one code of a layer is made of: operands, weights, products, the number before it is rounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from levelone.graph.ir import Node
from levelone.graph.operation import Index, RoundedSum, Terms
from levelone.graph.values import Codes

MAX_TERMS = 512
"""Terms of a sum that are listed; all of them count."""


def made_of(node: Node, operands: Sequence[Codes], position: Index) -> dict[str, Any]:
    """The operands of one code, and what is computed from them, as plain JSON values.

    Parameters
    ----------
    operands
        One event: int64 [*shape] each.
    position
        Of the code, channel last.

    Returns
    -------
    dict
        ``operands``: the codes that it is made of, each with ``operand`` (the value's name), ``at`` and
        ``code``; of a sum those that count, at most `MAX_TERMS`. A sum has ``terms``, ``in_padding``,
        ``not_zero``, ``bias``, ``step``, ``sum`` as well, and ``weight``, ``product`` and ``partial_sum`` of
        each operand; a rounded number ``multiplier`` of each operand, ``offset``, ``before_rounding``,
        ``as_decimal``, ``is_tie``, ``rounding``, ``clip`` and ``zero_point``.
    """
    op, shapes = node.op, [codes.shape for codes in operands]
    if op.linear and not op.moves:
        return _sum(node, op.terms(position, *shapes), operands)
    met = [_element(node, operands, number, at) for number, at in op.met(position, *shapes)]
    if (rounded := op.rounded_sum(position[-1])) is not None:
        return _rounded(rounded, met)
    return {"operands": met[:MAX_TERMS]}


def _element(node: Node, operands: Sequence[Codes], number: int, at: Index) -> dict[str, Any]:
    return {"operand": node.inputs[number], "at": list(at), "code": int(operands[number][at])}


def _sum(node: Node, terms: Terms, operands: Sequence[Codes]) -> dict[str, Any]:
    partial, live = terms.constant, []
    for number, flat, weight in zip(
        terms.operand.tolist(), terms.at.tolist(), terms.weights.tolist(), strict=True
    ):
        at = tuple(int(i) for i in np.unravel_index(flat, operands[number].shape))
        element = _element(node, operands, number, at)
        product = element["code"] * weight * terms.step
        if product:
            partial += product
            live.append(element | {"weight": weight, "product": product, "partial_sum": partial})
    return {
        "operands": live[:MAX_TERMS],
        "terms": len(terms.at) + terms.padding,
        "in_padding": terms.padding,
        "not_zero": len(live),
        "bias": terms.constant,
        "step": terms.step,
        "sum": partial,
    }


def _rounded(rounded: RoundedSum, met: list[dict[str, Any]]) -> dict[str, Any]:
    number = rounded.number(*(element["code"] for element in met))
    return {
        "operands": [
            element | {"multiplier": str(m)} for element, m in zip(met, rounded.multipliers, strict=True)
        ],
        "offset": str(rounded.offset),
        "before_rounding": str(number),
        "as_decimal": float(number),
        "is_tie": number.denominator == 2,
        "rounding": rounded.rounding.value,
        "clip": [rounded.range.lo, rounded.range.hi],
        "zero_point": rounded.zero_point,
    }

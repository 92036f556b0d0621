"""ONNX nodes: their attributes, and how messages name them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import onnx

from levelone.errors import LeveloneError, UnsupportedError, listed, plain

CHANNELS_LAST = "qonnx.custom_op.channels_last"
"""Domain of qonnx's channels-last convolutions, poolings and normalisations."""


class TooWideError(UnsupportedError):
    """A value that cannot be computed with; `blamed_on` says which ONNX node asked for it."""

    blamed = False


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Attribute values by name, strings decoded."""
    result: dict[str, Any] = {}
    for attribute in node.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        result[attribute.name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return result


def says_more(node: onnx.NodeProto) -> bool:
    """Whether the node's name tells more than that of its result: exporters number tensors through."""
    numbered = re.fullmatch(r"[0-9]+|(onnx::\w*|val|tensor)_?[0-9]+", node.output[0])
    return numbered is not None and re.search(r"[A-Za-z]", node.name.replace(node.output[0], "")) is not None


def describe(node: onnx.NodeProto) -> str:
    """How messages call a node."""
    return f"node '{plain(node.name or node.output[0])}' ({plain(node.op_type)})"


def unsupported(node: onnx.NodeProto, reason: str, nearest: str) -> UnsupportedError:
    """The one message for a node that cannot be carried: name, operator, attributes, nearest form."""
    return UnsupportedError(
        f"{describe(node)} is not supported: {reason}; attributes: {_shown(node)}",
        hint=f"nearest supported form: {nearest}",
    )


def _shown(node: onnx.NodeProto) -> str:
    """Attributes as a message shows them."""
    found = attributes(node).items()
    return listed(f"{k}={v}" for k, v in found if isinstance(v, str | int | float | list)) or "none"


@contextmanager
def blamed_on(node: onnx.NodeProto) -> Iterator[None]:
    """Errors of numbers and shapes inside become one message that names the node."""
    try:
        yield
    except TooWideError as error:
        if error.blamed:
            raise
        told = TooWideError(f"{describe(node)}: {error.message}; attributes: {_shown(node)}", hint=error.hint)
        told.blamed = True
        raise told from error
    except LeveloneError:
        raise
    except (
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        OverflowError,
        ZeroDivisionError,
        MemoryError,
    ) as error:
        raise LeveloneError(f"{describe(node)} is malformed: {error}") from error

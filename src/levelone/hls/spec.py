"""What one hls4ml layer shall be, said completely before hls4ml sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from levelone.errors import UnsupportedError
from levelone.graph.operation import Op
from levelone.graph.values import Value
from levelone.hardware.proof import Proof
from levelone.hardware.types import FixedType, Parameter, value_type
from levelone.hls.config import HlsConfig, Strategy

DOUBLE_BITS = 53
"""Widest integer that an IEEE double holds, whatever it is."""

MOST = 2**DOUBLE_BITS
"""Largest integer that a parameter of hls4ml's own layers may be: it is handed doubles."""

LARGEST = 2**63 - 1
"""Largest integer that a parameter of a body of levelone's own may be, if its type has no binary point."""


@dataclass(frozen=True)
class Body:
    """The C++ function template of a layer that hls4ml lacks (see `levelone.hls.operations`).

    Attributes
    ----------
    header
        Name of the C++ header in `levelone.hls.operations`, or in `folder`.
    function
        The function template in it, with its namespace.
    constants
        ``static const`` members of the layer's configuration.
    shares
        Whether there is something that a reuse factor can share: multipliers, or the ports of a memory.
    folder
        Where the header of a body from another distribution lies; its name must not begin with ``levelone_``.
    """

    header: str
    function: str
    constants: Mapping[str, int | bool]
    shares: bool = False
    folder: Path | None = None


@dataclass(frozen=True)
class LayerSpec:
    """One hls4ml layer.

    Attributes
    ----------
    name
        Name of the value it computes.
    kind
        hls4ml class name.
    inputs
        Names of the values it reads.
    shape
        Of its output, channels last.
    result
        Type of its output.
    types
        Every further type by hls4ml's own key (``accum``, ``table``, ...), parameters excepted.
    parameters
        By hls4ml's own key (``weight``, ``bias``).
    attributes
        hls4ml's attributes of this layer.
    settings
        Entries of the layer's hls4ml configuration beside its precision.
    value
        The value of the graph that it computes; None for a helper such as a padding.
    body
        The C++ of a layer that hls4ml lacks; None for hls4ml's own layers. Parameters are then passed in the
        order of `parameters`.
    proof
        How the layer was proven to be exact, for `levelone.json`; None where it computes no new number.
    reuse_factor, strategy
        As asked for where the layer stands.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    result: FixedType
    types: Mapping[str, FixedType] = field(default_factory=dict)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    value: Value | None = None
    body: Body | None = None
    proof: Proof | None = None
    reuse_factor: int = 1
    strategy: Strategy = "latency"

    @property
    def shares(self) -> bool:
        """Whether there is something that a reuse factor can share."""
        return "weight" in self.parameters if self.body is None else self.body.shares

    @property
    def outputs_first(self) -> bool:
        """Whether hls4ml writes the weights of one output after the other, whatever the layout here."""
        return self.body is None and self.strategy == "resource"

    @property
    def all_types(self) -> dict[str, FixedType]:
        """Every type of the layer, by hls4ml's key without its ``_t``."""
        parameters = {key: parameter.type for key, parameter in self.parameters.items()}
        return {"result": self.result, **self.types, **parameters}


@dataclass(frozen=True)
class Site:
    """Where a lowering happens: the node's name, its operands and result, the hardware.

    Attributes
    ----------
    inputs
        Names of the operands.
    is_output
        Whether the result leaves the top function.
    readers
        The operations that read the result.
    """

    name: str
    inputs: tuple[str, ...]
    operands: tuple[Value, ...]
    output: Value
    config: HlsConfig
    is_output: bool
    readers: tuple[Op, ...]

    def layer(self, kind: str, **more: Any) -> LayerSpec:
        """The layer of hls4ml class `kind` that computes the result; `more` are fields of `LayerSpec`."""
        common: dict[str, Any] = {"inputs": self.inputs, "result": value_type(self.output)} | more
        return LayerSpec(self.name, kind, shape=self.output.shape, value=self.output, **common)

    @property
    def stream(self) -> bool:
        """Whether tensors pass pixel by pixel (``io_stream``)."""
        return self.config.io == "stream"


def check_size(what: str, *codes: int, most: int = MOST) -> None:
    """Refuse constants that are too large to be written exactly.

    Raises
    ------
    UnsupportedError
        Naming `what` they are.
    """
    if max(map(abs, codes)) > most:
        bits = most.bit_length() - 1
        raise UnsupportedError(
            f"{what} is larger than 2**{bits}, the largest integer that can be written exactly there",
            hint="use scales whose ratios are shorter numbers",
        )

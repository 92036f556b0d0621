"""What one operation is told about its place, and the numbers that it plans before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from levelone.graph.operation import Op
from levelone.graph.values import Value
from levelone.hardware.proof import Proof
from levelone.rtl.netlist import Netlist
from levelone.rtl.pace import Pace
from levelone.rtl.streams import Stream

O_contra = TypeVar("O_contra", bound=Op, contravariant=True)
O_co = TypeVar("O_co", bound=Op, covariant=True)


@dataclass(frozen=True)
class Site(Generic[O_co]):
    """One operation in its place.

    Attributes
    ----------
    name
        Of the value that it computes.
    op
        The operation.
    operands
        Values that it reads.
    output
        The value that it computes.
    streams
        How its operands arrive.
    clocks
        Clocks that an event may take.
    """

    name: str
    op: O_co
    operands: tuple[Value, ...]
    output: Value
    streams: tuple[Stream, ...]
    clocks: int


@dataclass(frozen=True)
class LayerPlan:
    """What a layer will be, in integers.

    Attributes
    ----------
    name, operation
        Value and operation.
    inputs
        Streams as the block takes them: the design regroups what arrives otherwise.
    output
        The stream that it gives.
    clocks
        Clocks per event of its busiest part.
    multipliers
        Products formed in one clock.
    rom_bits
        Bits of weights, biases and tables.
    buffer_bits
        Bits of memory for data.
    pace
        When it gives its beats; None: a beat leaves in the clock in which it comes.
    proof
        How its requantisation was proven to be exact, if it has one.
    detail
        What the family wants to remember between planning and writing.
    """

    name: str
    operation: str
    inputs: tuple[Stream, ...]
    output: Stream
    clocks: int
    multipliers: int = 0
    rom_bits: int = 0
    buffer_bits: int = 0
    pace: Pace | None = None
    proof: Proof | None = None
    detail: Any = None


class Family(Protocol[O_contra]):
    """How operations of one kind are planned and written."""

    def plan(self, site: Site[O_contra]) -> LayerPlan:
        """The layer in integers; `UnsupportedError` names the node and the nearest form."""
        ...

    def emit(self, site: Site[O_contra], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        """Blocks between the streams called `wires` and a stream called ``site.name``, which is declared."""
        ...

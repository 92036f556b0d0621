"""What a streamed design is for: everything that the graph itself does not say."""

from __future__ import annotations

from dataclasses import dataclass

from levelone.errors import LeveloneError


@dataclass(frozen=True)
class RtlConfig:
    """The choices of a streamed design.

    Attributes
    ----------
    clocks_per_event
        Clocks that an event may take: layers share multipliers as far as this allows. None: as many as the
        longest input has pixels, one of which is taken per clock.
    clock_ns
        Clock period in ns, for constraints and for times in reports.
    part
        FPGA part name, as the vendor tools spell it.
    """

    clocks_per_event: int | None = None
    clock_ns: float = 5.0
    part: str = "xcvu13p-flga2577-2-e"

    def __post_init__(self) -> None:
        if self.clocks_per_event is not None and self.clocks_per_event < 1:
            raise LeveloneError(
                f"rtl.clocks_per_event is {self.clocks_per_event}, expected a positive integer"
            )
        if not 0 < self.clock_ns < 1e6:
            raise LeveloneError(f"rtl.clock_ns is {self.clock_ns}, expected a clock period in ns")
        if not self.part or not all(c.isalnum() or c in "._-" for c in self.part):
            raise LeveloneError(f"rtl.part is {self.part!r}, expected an FPGA part name")

"""How long logic takes on an UltraScale+ device: what stages are cut by, and paths are estimated with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Delays:
    """Times in ns. A level is a look-up table and the net behind it; a carry chain adds to its level.

    The figures are round ones for an UltraScale+ device of speed grade -2. Only placement knows a net: half a
    nanosecond is what a net of few readers takes in a device that is not full.

    Attributes
    ----------
    lut, net
        Of a look-up table, and of the net that it, a register or a chain drives.
    carry, carry_bit
        Into a carry chain and out of it, and for each bit on the way.
    clock_to_q, setup
        Of a register.
    shift_register, memory
        From the clock to the output of a shift register, or of a memory or multiplier.
    mux
        Of a multiplexer right behind look-up tables.
    multiplier
        Through a multiplier that has no register.
    """

    lut: float = 0.10
    net: float = 0.45
    carry: float = 0.14
    carry_bit: float = 0.015
    clock_to_q: float = 0.08
    setup: float = 0.03
    shift_register: float = 0.25
    memory: float = 0.90
    mux: float = 0.06
    multiplier: float = 2.0

    @property
    def level(self) -> float:
        """One look-up table and its net."""
        return self.lut + self.net

    @property
    def overhead(self) -> float:
        """What a stage takes besides its logic."""
        return self.clock_to_q + self.net + self.setup

    @property
    def assumptions(self) -> str:
        """In a sentence, for reports."""
        return (
            f"levels of logic at {self.lut:g} ns for a look-up table, {self.net:g} ns for every net, "
            f"{self.carry:g} ns for a carry chain and {self.carry_bit:g} ns for each of its bits, "
            f"{self.clock_to_q:g} ns from the clock and {self.setup:g} ns in front of it; nothing is placed"
        )

    def of(self, effort: Effort) -> float:
        """A path through this logic."""
        return effort.levels * self.level + effort.chains * self.carry + effort.carry_bits * self.carry_bit


@dataclass(frozen=True)
class Effort:
    """What logic takes.

    Attributes
    ----------
    lut
        Look-up tables, estimated.
    levels
        Look-up tables in series.
    chains, carry_bits
        Carry chains in series, and their bits.
    """

    lut: int = 0
    levels: int = 0
    chains: int = 0
    carry_bits: int = 0


WIRES = Effort()
ULTRASCALE_PLUS = Delays()


def reduction_levels(inputs: int) -> int:
    """Look-up tables in series that join so many bits into one."""
    levels = 0
    while inputs > 1:
        inputs = -(-inputs // 6)
        levels += 1
    return levels


def reduction_luts(inputs: int) -> int:
    """Look-up tables that join so many bits into one."""
    return max(-(-(inputs - 1) // 5), 0)

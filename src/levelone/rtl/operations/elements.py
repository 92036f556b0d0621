"""`ElementAffine`: constants of every element, from a memory that is read beat by beat."""

from __future__ import annotations

import numpy as np

from levelone.graph.ops import ElementAffine
from levelone.rtl.netlist import Netlist, address_bits, handshake, signed_bits, word_of
from levelone.rtl.pace import piped
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream


class Elements:
    """`ElementAffine`: a multiplier and an adder per lane."""

    def plan(self, site: Site[ElementAffine]) -> LayerPlan:
        source = site.streams[0]
        output = Stream.of(site.output, source.lanes)
        bits = _bits(site.op) + output.width
        return LayerPlan(
            site.name,
            "ElementAffine",
            (source,),
            output,
            clocks=source.beats,
            multipliers=source.lanes,
            rom_bits=site.output.size * bits,
            pace=piped(source.beats, 2),
        )

    def emit(
        self, site: Site[ElementAffine], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist
    ) -> None:
        name, source, result, bits = site.name, plan.inputs[0], plan.output, _bits(site.op)
        address = address_bits(source.beats)
        en, at = netlist.wire(f"{name}_en"), netlist.wire(f"{name}_at", address)
        constants = {}
        for key, values, width in zip(
            ("factors", "terms"), site.op.constants(site.output.shape), (bits, result.width), strict=True
        ):
            constants[key] = netlist.wire(f"{name}_{key}", source.lanes * width)
            words = [word_of(row, width) for row in np.reshape(values, (source.beats, source.lanes)).tolist()]
            netlist.memory(f"{key}_{name}", words, source.lanes * width, en, at, constants[key])
        netlist.instance(
            "levelone_element_affine",
            f"u_{name}",
            {
                "LANES": source.lanes,
                "WIDTH": source.width,
                "SIGNED": int(source.signed),
                "FACTOR": bits,
                "RESULT": result.width,
                "BEATS": source.beats,
                "ADDRESS": address,
            },
            {**handshake({"i": wires[0], "o": name}), "en": en, "address": at, **constants},
        )


def _bits(op: ElementAffine) -> int:
    """Of a factor, the sign included."""
    return signed_bits(int(op.factor.min()), int(op.factor.max()))

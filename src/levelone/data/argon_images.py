"""What images of liquid argon are, whoever made them: the classes, the origins, the pixels."""

from __future__ import annotations

from levelone.data.imagecheck import ImageSpec

CLASSES = ("nothing", "track", "shower")
"""What a pixel is: what most of its charge comes from; nothing where none is known."""
NOTHING, TRACK, SHOWER = range(3)
TRACKS = ("muon", "pion", "proton")
ORIGINS = ("electron", "photon", *TRACKS, "knock-on electron", "electron of a decay")
"""Particles that most of the charge of a pixel's class may come from; maps number them from 1, 0 is nothing.
What a shower makes is of what began it."""
PITCH_MM = 3.0
ELECTRONS_PER_ADU = 100.0
BITS = 12


def specs(pixels: int) -> tuple[ImageSpec, ImageSpec, ImageSpec]:
    """The image `charge` and the maps `class` and `particle` of crops of so many pixels."""
    shape, cell = (1, pixels, pixels), (PITCH_MM, PITCH_MM)
    per_adu = f"{ELECTRONS_PER_ADU:g} electrons each"
    image = ImageSpec("charge", shape, "uint16", "ADU", per_adu, ("collection",), cell, "mm", BITS)
    told = "what most of the charge comes from", "the particle that most of the charge of the class is from"
    names = {"class": CLASSES, "particle": ("nothing", *ORIGINS)}
    classes, particle = (
        ImageSpec(name, shape, "uint8", "", text, (name,), cell, "mm", names=names[name])
        for name, text in zip(names, told, strict=True)
    )
    return image, classes, particle

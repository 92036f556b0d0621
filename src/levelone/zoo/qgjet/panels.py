"""What the report shows of quark and gluon jets and of how well models tell them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.panels import Axes, Panel
from levelone.simulate.qgjet.events import CLASSES, SIZE, WIDTH
from levelone.zoo.kit.meter import Predictions, Truth
from levelone.zoo.kit.taggingpanels import (
    Wording,
    average_images,
    distribution,
    outputs_of_networks,
    rejection_curves,
    some_of_each,
    tables,
)

WORDING = Wording(
    classes=CLASSES,
    signal="quark jets",
    background="gluon jets",
    others="gluon jets",
    models={
        "grey": "one colour, float",
        "boosting": "boosting on everything a person computes",
        "five": "five quantities, boosted",
        "charged": "charged multiplicity",
        "girth": "girth",
        "momentum": "transverse momentum",
    },
    image=Axes("pseudorapidity from the axis", "azimuth from the axis"),
    cell=(WIDTH / SIZE, WIDTH / SIZE),
    classical="charged",
)
_SHOWN = {
    "charged particles": "charged",
    "girth": "girth",
    "momentum dispersion": "dispersion",
    "two-point correlation": "c1",
}


def panels(metrics: Mapping[str, Any], predictions: Predictions, truth: Truth) -> list[Panel]:
    """Rejection curves, tables, average images, distributions of quantities and of the logit."""
    average = truth.get("average")
    channels = _channels(0 if average is None else average.shape[1])
    return [
        rejection_curves(WORDING, predictions, truth),
        *tables(WORDING, metrics),
        *average_images(WORDING, truth, channels, "the colours one below the other."),
        *(distribution(WORDING, axis, truth[name], truth) for axis, name in _SHOWN.items()),
        outputs_of_networks(WORDING, predictions, truth),
    ]


def example_panels(images: NDArray[np.float32], label: NDArray[Any], unit: str) -> list[Panel]:
    """A few jets of each class: the first colour of what enters the network."""
    caption = f"Test jets as they enter the network: {_channels(images.shape[1])[0]}."
    return some_of_each(WORDING, images[:, 0], label, caption, unit)


def _channels(number: int) -> Sequence[str]:
    three = ("transverse momentum, charged", "transverse momentum, neutral", "charged particles")
    return three if number == len(three) else ("transverse momentum",)

"""What the networks for next are compared with: the second blob, boosting on all that a person computes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.next.generator import VOXEL_MM
from levelone.zoo.kit.boosting import fit_two
from levelone.zoo.kit.events import Events, Outputs, Predictor, Source
from levelone.zoo.next.features import blob_score, summary
from levelone.zoo.next.section import UNIT_KEV


def energies(events: Events) -> NDArray[np.float32]:
    """Images of a batch, [n, x, y, z] in keV."""
    return events.inputs["tpc"][:, 0] * UNIT_KEV


def second_blob(events: Events) -> Outputs:
    """The classical quantity: nothing to fit."""
    return {"logit": blob_score(energies(events))[:, None]}


def view(events: Events) -> NDArray[np.float32]:
    """`summary` of a batch, in voxels of the default size."""
    return summary(energies(events), VOXEL_MM)


def fit_boosting(train: Source, seed: int) -> Predictor:
    """Gradient boosting on `view`; the answer is a logit."""
    return fit_two(train, view, "label", "logit", seed)

"""What a system's meter says of known predictions."""

from __future__ import annotations

from levelone.zoo.kit.events import Events


def metered(system, recipe, predictions, truth) -> tuple[dict, dict]:
    """Figures and what was kept, after two batches."""
    meter = system.meter(recipe, None)
    half = len(next(iter(truth.values()))) // 2
    for part in (slice(0, half), slice(half, None)):
        outputs = {
            model: {name: array[part] for name, array in found.items()}
            for model, found in predictions.items()
        }
        meter.update(Events({}, {name: values[part] for name, values in truth.items()}), outputs)
    return meter.result(), meter.kept()

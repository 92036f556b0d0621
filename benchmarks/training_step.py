"""One training step (forward, backward, AdamW) of the quantised model against its float twin, in one run.

Of any system, on random inputs: what is minimised is the mean square of the outputs, next to which a system's
own loss costs nothing.
"""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.lib.common import arguments, quiet, show, taking_turns
from levelone.quant.calibrate import calibrate, fold_into
from levelone.recipe import load_recipe
from levelone.zoo import find_system


def main() -> None:
    parser = arguments(__doc__, model=False)
    parser.add_argument("--system", default="pixelseed", help="a system, or package.module:NAME")
    parser.add_argument("--recipe", help="of the system's own, by name: published (default: its default one)")
    parser.add_argument("--batch", type=int, help="events (default: those of its recipe)")
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    system = find_system(options.system)
    default = system.default_recipe
    recipe = load_recipe(default.with_name(f"{options.recipe}.toml") if options.recipe else default)
    batch = options.batch or recipe.train.batch_size
    inputs = [torch.rand(batch, *shape) for shape in system.input_shapes(recipe).values()]

    def steps(network: nn.Module) -> None:
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
        for _ in range(options.steps):
            optimiser.zero_grad()
            found = network(*inputs)
            outputs = found if isinstance(found, tuple) else (found,)
            torch.stack([output.square().mean() for output in outputs]).sum().backward()
            optimiser.step()

    with quiet():
        twin = system.build_float(recipe)
        quantised = system.build_quantised(recipe)
        fold_into(twin, quantised)
        calibrate(quantised, inputs)
        twin.train()
        quantised.train()
        works = {"float": lambda: steps(twin), "quantised": lambda: steps(quantised)}
        taken = taking_turns(works, options.repeat)
    seconds = {name: found.processor / options.steps for name, found in taken.items()}
    show(
        {
            "system": system.name,
            "batch": batch,
            "threads": 1,
            "float_ms_per_event": 1e3 * seconds["float"] / batch,
            "quantised_ms_per_event": 1e3 * seconds["quantised"] / batch,
            "quantised_over_float_time": seconds["quantised"] / seconds["float"],
        },
        options.json,
    )


if __name__ == "__main__":
    main()

"""One training step (forward, backward, AdamW) of the quantised model against its float twin, in one run."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.common import arguments, best_seconds, quiet, show
from levelone.quant.calibrate import calibrate, fold_into
from levelone.recipe import load_recipe
from levelone.zoo import find_system


def main() -> None:
    parser = arguments(__doc__, model=False)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    system = find_system("pixelseed")
    recipe = load_recipe(system.default_recipe)
    inputs = [torch.rand(options.batch, *shape) for shape in system.input_shapes(recipe).values()]
    target = torch.randint(0, 2, (options.batch, 1)).float()
    seconds = {}
    with quiet():
        twin = system.build_float(recipe)
        quantised = system.build_quantised(recipe)
        fold_into(twin, quantised)
        calibrate(quantised, inputs)
        for name, network in (("float", twin), ("quantised", quantised)):
            network.train()
            optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)

            def steps(network: nn.Module = network, optimiser: torch.optim.Optimizer = optimiser) -> None:
                for _ in range(options.steps):
                    optimiser.zero_grad()
                    nn.functional.binary_cross_entropy_with_logits(network(*inputs), target).backward()
                    optimiser.step()

            seconds[name] = best_seconds(steps, options.repeat) / options.steps
    show(
        {
            "batch": options.batch,
            "threads": 1,
            "float_doublets_per_second": options.batch / seconds["float"],
            "quantised_doublets_per_second": options.batch / seconds["quantised"],
            "quantised_over_float_time": seconds["quantised"] / seconds["float"],
        },
        options.json,
    )


if __name__ == "__main__":
    main()

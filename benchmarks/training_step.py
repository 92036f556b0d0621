"""One training step (forward, backward, AdamW) of the quantised model against its float twin, in one run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.lib.common import arguments, best_seconds, quiet, show
from levelone.quant.calibrate import calibrate, fold_into
from levelone.recipe import load_recipe
from levelone.train.batches import Truth
from levelone.train.objective import SystemObjective
from levelone.zoo import find_system


def main() -> None:
    parser = arguments(__doc__, model=False)
    parser.add_argument("--system", choices=("pixelseed", "muon"), default="pixelseed")
    parser.add_argument("--batch", type=int, help="events (default: 2048; muon 64)")
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    system = find_system(options.system)
    recipe = load_recipe(system.default_recipe)
    objective = SystemObjective(system, recipe)
    muons = options.system == "muon"
    batch = options.batch or (64 if muons else 2048)
    inputs = [torch.rand(batch, *shape) for shape in system.input_shapes(recipe).values()]
    truth: Truth = {"target": torch.randint(0, 2, (batch,))}
    if muons:
        truth = {"energy": torch.rand(batch) * 7950 + 50}
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
                    loss: Tensor = objective.loss(network(*inputs), truth)
                    loss.backward()
                    optimiser.step()

            seconds[name] = best_seconds(steps, options.repeat) / options.steps
    show(
        {
            "system": system.name,
            "batch": batch,
            "threads": 1,
            "float_events_per_second": batch / seconds["float"],
            "quantised_events_per_second": batch / seconds["quantised"],
            "quantised_over_float_time": seconds["quantised"] / seconds["float"],
        },
        options.json,
    )


if __name__ == "__main__":
    main()

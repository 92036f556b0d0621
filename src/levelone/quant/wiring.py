"""Networks as a list of named steps: what is executed is also what says which layer feeds which."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from levelone.quant.layers import Layers


class Wired(nn.Module):
    """A network whose layers are called in the order in which they were added.

    Subclasses add layers in ``__init__`` with `step`; the result of the last one is the network's.

    Parameters
    ----------
    layers
        Float or quantised vocabulary.
    input_shapes
        Argument name -> shape without the batch axis, in argument order.
    """

    def __init__(self, layers: Layers, input_shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.make = layers
        self.input_shapes = dict(input_shapes)
        self._steps: list[tuple[str, tuple[str, ...]]] = []

    def step(self, name: str, layer: nn.Module, *sources: str) -> str:
        """Add `layer` as `name`, called with the results of `sources` (inputs by their argument name).

        Returns
        -------
        str
            `name`, for the next step.
        """
        if name in self._modules or name in self.input_shapes:
            raise ValueError(f"two layers would be called {name!r}")
        self.add_module(name, layer)
        self._steps.append((name, sources))
        return name

    def forward(self, *inputs: Tensor) -> Tensor:
        """Run every step; a result is forgotten after its last use."""
        values = dict(zip(self.input_shapes, inputs, strict=True))
        last = {source: index for index, (_, sources) in enumerate(self._steps) for source in sources}
        result = ""
        for index, (name, sources) in enumerate(self._steps):
            values[name] = self.get_submodule(name)(*(values[source] for source in sources))
            for source in set(sources):
                if last[source] == index:
                    del values[source]
            result = name
        return values[result]

"""Networks as a list of named steps: what is executed is also what says which layer feeds which."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from levelone.quant.layers import Layers


def call_name(layer: str, number: int, calls: int) -> str:
    """What the result of one call of a layer is called: as the layer, or with its number, from 1, behind it.

    Parameters
    ----------
    number, calls
        Which call (from 0), and how many there are.
    """
    return layer if calls == 1 else f"{layer}_{number + 1}"


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
        self._steps: list[tuple[str, str, tuple[str, ...]]] = []

    def step(self, name: str, layer: nn.Module, *sources: str) -> str:
        """Add `layer` as `name`, called with the results of `sources` (inputs by their argument name).

        Returns
        -------
        str
            `name`, for the next step.
        """
        self._add(name, layer, name)
        self._steps.append((name, name, sources))
        return name

    def shared(self, name: str, layer: nn.Module, *calls: tuple[str, ...]) -> tuple[str, ...]:
        """Add `layer` as `name`, called once for each of `calls`, a tuple of sources: its weights are shared.

        Returns
        -------
        tuple
            The results' names, `call_name` of each: what an exported graph calls them.
        """
        results = tuple(call_name(name, number, len(calls)) for number in range(len(calls)))
        self._add(name, layer, *results)
        self._steps += [(result, name, sources) for result, sources in zip(results, calls, strict=True)]
        return results

    def _add(self, name: str, layer: nn.Module, *results: str) -> None:
        taken = {*self._modules, *self.input_shapes, *(result for result, _, _ in self._steps)}
        for new in (name, *results):
            if new in taken:
                raise ValueError(f"two layers would be called {new!r}")
        self.add_module(name, layer)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Run the steps; a result is forgotten after its last use."""
        return self.from_values(dict(zip(self.input_shapes, inputs, strict=True)))

    def from_values(self, values: dict[str, Tensor], wanted: str | None = None) -> Tensor:
        """Run the steps that lead from `values`, results by name, to the wanted result, else to the last one.

        The values are used up.
        """
        steps: list[tuple[str, str, tuple[str, ...]]] = []
        needed = {wanted or self._steps[-1][0]}
        for step in reversed(self._steps):
            if step[0] in needed and step[0] not in values:
                steps.append(step)
                needed.update(step[2])
        steps.reverse()
        last = {source: index for index, (_, _, sources) in enumerate(steps) for source in sources}
        result = ""
        for index, (result, name, sources) in enumerate(steps):
            values[result] = self.get_submodule(name)(*(values[source] for source in sources))
            for source in set(sources):
                if last[source] == index:
                    del values[source]
        return values[result]

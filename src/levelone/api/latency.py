"""What a project is estimated to take, as a result that shows itself."""

from __future__ import annotations

from collections.abc import Iterator

from levelone.api.documents import Document
from levelone.panels import Rows
from levelone.report.words import counted

ASSUMED = "clocks of the pipelines are assumed from delays of logic; no vendor tool has run"


class Latency(Document):
    """Estimated clocks of an hls4ml project, layer by layer and in total.

    ``to_dict()["kind"]`` is ``"estimated"``: the loops are those that were generated, the clocks from their
    operands to their results an assumption.
    """

    @property
    def latency(self) -> int:
        """Clocks from the first beat of an event to its last result, estimated."""
        return int(self._content["latency"])

    @property
    def interval(self) -> int:
        """Clocks from one event to the next, estimated."""
        return int(self._content["interval"])

    def parts(self) -> Iterator[str | Rows]:
        """A row for each layer of the firmware, and the sums."""
        head = ("layer", "operation", "ticks", "interval", "stages", "begins", "ends")
        rows = tuple(
            (layer["name"], layer["operation"], *(f"{layer[key]:,}" for key in head[2:]))
            for layer in self._content["layers"]
        )
        yield Rows("", "", head, rows, numbers=(2, 3, 4, 5, 6))
        interval, latency = (counted(clocks, "clock") for clocks in (self.interval, self.latency))
        yield (
            f"estimated: {interval} per event, as many as {self._content['bottleneck']} takes; "
            f"{latency} ({self._content['latency_ns']:,.0f} ns at "
            f"{self._content['clock_ns']:g} ns) from the first beat in to the last result"
        )
        yield f"{ASSUMED} (io_{self._content['io']}, {self._content['style']})"
        if self._content["edited_files"]:
            edited = ", ".join(self._content["edited_files"])
            yield f"not what lies there: edited since it was generated: {edited}"

"""A quantised network: what it costs, what it computes, and the project that is made of it."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import ArrayLike, NDArray

from levelone.api.arrays import named
from levelone.api.documents import Layers
from levelone.api.project import Project
from levelone.errors import LeveloneError, PortWarning
from levelone.files import sha256, write_bytes
from levelone.graph import Graph, read_qonnx, totals
from levelone.graph.outputs import output_shapes
from levelone.graph.port_counts import port_notes
from levelone.graph.reader.load import load_model
from levelone.graph.reader.ports import declare_ports
from levelone.hardware.cost import hardware_table
from levelone.hls.config import HlsConfig, Io, LayerChoice, Strategy
from levelone.pipeline.choices import choices_for
from levelone.pipeline.converting import convert_file, convert_with
from levelone.pipeline.emulation import ArrayRows, emulated_arrays, entered_arrays, input_shapes, model_file
from levelone.pipeline.modules import called

Arrays = dict[str, NDArray[Any]]


class Model:
    """A quantised network as exact integers. `levelone.read` and `levelone.export` make one.

    Attributes
    ----------
    name
        What it is called.
    path
        The QONNX file it was read from; None if it was exported from a module and lies in memory only.
    graph
        The integer graph (`levelone.graph`), for those who want to look inside.
    """

    def __init__(
        self, name: str, graph: Graph, source: Path | onnx.ModelProto, path: Path | None = None
    ) -> None:
        self.name, self.graph, self.path = name, graph, path
        self._source = source
        self._digest = sha256(source) if isinstance(source, Path) else None

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shape of every input by name, without the axis of the events, as the network was trained on it."""
        return input_shapes(self.graph)

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """Shape of every output by name, without the axis of the events."""
        return output_shapes(self.graph)

    def __repr__(self) -> str:
        def told(values: Mapping[str, tuple[int, ...]]) -> str:
            return ", ".join(f"{name} {list(shape)}" for name, shape in values.items())

        return f"<levelone.Model {self.name}: {told(self.inputs)} -> {told(self.outputs)}>"

    def inspect(self) -> Layers:
        """Every layer with its type, its exact range and its cost.

        Returns
        -------
        Layers
            A table that prints itself, iterates over the layers, and gives plain data by `Layers.to_dict`.

        Examples
        --------
        >>> import levelone
        >>> layers = levelone.read("hls_projects/pixelseed/model.onnx").inspect()
        >>> conv1 = layers["conv1"]
        >>> conv1["shape"], conv1["width"], conv1["macs"]
        ((1, 4, 8), 12, 1024)
        """
        table = hardware_table(self.graph)
        return Layers(
            {
                "model": str(self.path or self.name),
                "inputs": [
                    {
                        "name": port.value.name,
                        "source": port.source,
                        "shape": port.value.shape,
                        "width": port.value.width,
                        "signed": port.value.signed,
                        "scale": str(port.quantiser.scale),
                    }
                    for port in self.graph.inputs
                ],
                "outputs": list(self.outputs),
                "layers": [layer.to_dict() for layer in table],
                "totals": totals(table) | {"saved_bits": sum(layer.saved_bits for layer in table)},
                "left_off": [str(name) for name in self.graph.left_off],
            }
        )

    def emulate(
        self, *inputs: ArrayLike | Mapping[str, ArrayLike], codes: bool = False, every: bool = False
    ) -> NDArray[Any] | Arrays:
        """Compute what the firmware computes, exactly, without a compiler.

        Parameters
        ----------
        inputs
            One array per input in the order of `inputs`, or one mapping from input name to array. Real
            numbers of shape (events, ...), channels first as in PyTorch; float32 is used,
            any numeric dtype is converted. The host's input quantiser is applied to them.
        codes
            Give integer codes; otherwise real numbers, code times scale, and what the host makes of them at
            the network's end (a softmax, say) in float32.
        every
            Give every layer, not only the outputs.

        Returns
        -------
        numpy.ndarray or dict
            Float64 (int64 with `codes`) of shape (events, ...); a dict if there are several outputs, by the
            file's names and in its order, or with `every`, by the names of the layers.

        Raises
        ------
        LeveloneError
            If an input is missing, unknown, of another shape, not numeric, or holds NaN or infinity.

        Warns
        -----
        PortWarning
            If a port whose type was declared (`read`) saturates or rounds numbers. `entering` counts that,
            and what saturates at the network's own input quantisers.

        Examples
        --------
        >>> import levelone, numpy as np
        >>> model = levelone.read("hls_projects/pixelseed/model.onnx")
        >>> rng = np.random.default_rng(1)
        >>> images, features = 20 * rng.random((3, 2, 4, 16)), rng.normal(size=(3, 35))
        >>> pair = np.eye(21)[:3]
        >>> logit = model.emulate(images, features, pair)
        >>> logit.shape, logit.dtype
        ((3, 1), dtype('float64'))
        >>> same = model.emulate({"images": images, "features": features, "pair": pair}, codes=True)
        >>> scale = float(model.graph.values["logit"].scale[0])
        >>> bool((same * scale == logit).all())
        True
        """
        found, counts = emulated_arrays(self.graph, self._rows(inputs), codes=codes, every=every)
        for count in counts:
            if count.changed:
                warnings.warn("; ".join(port_notes(count)), PortWarning, stacklevel=2)
        return found if every or len(found) > 1 else next(iter(found.values()))

    def entering(self, *inputs: ArrayLike | Mapping[str, ArrayLike]) -> list[dict[str, Any]]:
        """What becomes of real numbers at the input ports: how many saturate, how many are rounded.

        Parameters
        ----------
        inputs
            As in `emulate`.

        Returns
        -------
        list of dict
            Per port ``port`` and ``input`` (names), ``declared`` (or else it is the network's own quantiser),
            ``low``, ``high`` and ``step`` (what it carries), ``events``, ``values``, ``saturated``, the
            ``lowest`` and ``highest`` of those, and ``rounded`` (at declared ports).

        Raises
        ------
        LeveloneError
            As `emulate`.
        """
        return [count.to_dict() for count in entered_arrays(self.graph, self._rows(inputs))]

    def _rows(self, inputs: tuple[ArrayLike | Mapping[str, ArrayLike], ...]) -> dict[str, ArrayRows]:
        return {name: ArrayRows(array) for name, array in named(inputs, tuple(self.inputs)).items()}

    def convert(
        self,
        folder: str | os.PathLike[str],
        *,
        body: str = "hls",
        part: str | None = None,
        clock_ns: float | None = None,
        io: Io | None = None,
        clock_uncertainty: str | None = None,
        reuse_factor: int | None = None,
        strategy: Strategy | None = None,
        partition_factor: int | None = None,
        tight: bool | None = None,
        layers: Mapping[str, LayerChoice | Mapping[str, Any]] | None = None,
        style: str | None = None,
        max_levels: int | None = None,
        pixels_per_clock: int | None = None,
        clocks_per_event: int | None = None,
    ) -> Project:
        """Generate the project of a body, an hls4ml project (Vitis backend) by default.

        The folder appears whole or not at all; an earlier project of that name is replaced. A choice that is
        not made is the body's default, that of the section ``[hls]`` or ``[rtl]`` of a recipe.

        Parameters
        ----------
        folder
            Where to write it.
        body
            ``"hls"``, ``"rtl"`` (SystemVerilog), the name of a registered body, or
            ``"package.module:NAME"``.
        part
            FPGA part name, as the vendor tools spell it.
        clock_ns
            Clock period in ns.
        io
            hls: ``"parallel"``: the whole event at once, one pipeline; ``"stream"``: one pixel per clock.
        clock_uncertainty
            hls: in percent of the period (``"27%"``) or in ns.
        reuse_factor
            hls: how many multiplications share one multiplier.
        strategy
            hls: ``"latency"``: fully unrolled; ``"resource"``: shared multipliers, weights meant for memory.
        partition_factor
            hls: output positions that a window computes at once in an unrolled design; 0: all of them.
        tight
            hls: registers that sum for these very weights; False: for any weights of their width.
        layers
            hls: choices of single layers: ``{"conv1": {"reuse_factor": 4, "strategy": "resource"}}``.
        style
            rtl: "stream", or "unrolled": the whole network as one pipeline that takes an event per clock.
        max_levels
            rtl, unrolled: look-up tables in series between registers; by default as many as `clock_ns` holds.
        pixels_per_clock
            rtl: pixels that enter in a clock, a divisor of a row of the longest input; by default one, or as
            many as it takes for `clocks_per_event`.
        clocks_per_event
            rtl: clocks that an event may take; by default one for each beat of the longest input.

        Returns
        -------
        Project

        Raises
        ------
        LeveloneError
            If a choice is not possible or not the body's, the network cannot be carried exactly, or nothing
            can be written.
        """
        given = {
            "part": part,
            "clock_ns": clock_ns,
            "io": io,
            "clock_uncertainty": clock_uncertainty,
            "reuse_factor": reuse_factor,
            "strategy": strategy,
            "partition_factor": partition_factor,
            "tight": tight,
            "layers": dict(layers) if layers else None,
            "style": style,
            "max_levels": max_levels,
            "pixels_per_clock": pixels_per_clock,
            "clocks_per_event": clocks_per_event,
        }
        choices = choices_for(body, "convert", given)
        with self._file() as file:
            if isinstance(choices, HlsConfig):
                convert_file(file, Path(folder), choices)
            else:
                convert_with(body, file, Path(folder), choices)
        return Project(Path(folder))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the network as a QONNX file.

        Parameters
        ----------
        path
            A name that ends in ``.onnx``; the folder is made if there is none.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        LeveloneError
            If the name does not end in .onnx, or the file cannot be written.
        """
        target = Path(path)
        if target.suffix != ".onnx":
            raise LeveloneError(f"{target}: expected a name that ends in .onnx")
        proto, _ = load_model(self._source)
        write_bytes(target, proto.SerializeToString(deterministic=True))
        return target

    @contextmanager
    def _file(self) -> Iterator[Path]:
        """The network as a file, called as the network is."""
        if isinstance(self._source, Path):
            if sha256(self._source) != self._digest:
                raise LeveloneError(
                    f"{self._source} has changed since it was read", hint="levelone.read it again"
                )
            yield self._source
            return
        with tempfile.TemporaryDirectory(prefix="levelone-") as folder:
            yield self.save(Path(folder) / f"{self.name}.onnx")


def read(path: str | os.PathLike[str], *, ports: Mapping[str, str] | None = None) -> Model:
    """Read a quantised network from a QONNX file.

    Parameters
    ----------
    path
        A QONNX file from Brevitas, QKeras, levelone or anybody else; or a project or run folder that holds
        one.
    ports
        Types of inputs that no quantiser follows, by name: ``"int8"``, ``"uint8"``, ``"bipolar"``,
        ``"fixed<16,6>"``, ``"ufixed<8,0>"``.

    Returns
    -------
    Model

    Raises
    ------
    LeveloneError
        If there is no such file, it is damaged or no QONNX, or a node cannot be carried exactly; the message
        names the node and the nearest form that can.

    Examples
    --------
    >>> import levelone
    >>> levelone.read("hls_projects/pixelseed/model.onnx")
    <levelone.Model pixelseed: images [2, 4, 16], features [35], pair [21] -> logit [1]>
    """
    file = model_file(Path(path))
    name = called(file)
    if not ports:
        return Model(name, read_qonnx(file), file, file)
    proto, _ = load_model(file)
    declare_ports(proto, ports)
    return Model(name, read_qonnx(proto), proto, file)

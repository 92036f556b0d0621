"""Integer graph -> folder: sources, golden vectors, a test bench, scripts, and ``levelone.json``."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import levelone
from levelone.errors import LeveloneError
from levelone.files import atomic_path, sha256
from levelone.graph import execute
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hardware.body import DOCUMENT, MODEL, SIDE
from levelone.rtl import scripts, testbench
from levelone.rtl.beats import pack
from levelone.rtl.config import RtlConfig
from levelone.rtl.design import Design, write_design
from levelone.rtl.document import SCHEMA, Document, Layer, read_document
from levelone.rtl.plan import Plan, plan_graph
from levelone.stimuli import random_vectors

SOURCES = "rtl"
BLOCKS = Path(__file__).with_name("blocks")
GOLDEN_EVENTS = 16
GOLDEN_SEED = 1
TOP = "levelone_network"


def write_project(
    graph: Graph,
    folder: Path,
    config: RtlConfig | None = None,
    *,
    model: Path | None = None,
    extras: Mapping[str, bytes | Path] | None = None,
    golden: Mapping[str, Codes] | None = None,
) -> Document:
    """Write a streamed design of `graph`; the folder appears complete or not at all.

    Parameters
    ----------
    folder
        An earlier project of this kind there is replaced.
    model
        The QONNX file that `graph` was read from, kept inside.
    extras
        Files to keep beside it: name -> bytes or path.
    golden
        Input codes of the test bench's events, by value name; by default corners and random ones.

    Raises
    ------
    UnsupportedError
        If an operation has no streamed form.
    LeveloneError
        If the folder is something else, or cannot be written.
    """
    config = config or RtlConfig()
    folder = Path(folder)
    _check_target(folder)
    plan = plan_graph(graph, config.clocks_per_event)
    design = write_design(plan, TOP)
    codes = random_vectors(graph, GOLDEN_EVENTS, GOLDEN_SEED) if golden is None else golden
    with atomic_path(folder, directory=True) as scratch:
        _write_sources(scratch, design, config)
        _write_golden(scratch, graph, design, codes)
        (scratch / SIDE).mkdir()
        for name, content in (extras or {}).items():
            if isinstance(content, bytes):
                (scratch / SIDE / name).write_bytes(content)
            else:
                shutil.copyfile(content, scratch / SIDE / name)
        if model is not None:
            shutil.copyfile(model, scratch / MODEL)
        document = describe(plan, design, config, None if model is None else sha256(model))
        digests = {
            path.relative_to(scratch).as_posix(): sha256(path)
            for path in sorted(scratch.rglob("*"))
            if path.is_file()
        }
        document = replace(document, digests=digests)
        (scratch / DOCUMENT).write_text(document.text(), encoding="utf-8")
    return document


def edited_files(folder: Path, document: Document) -> tuple[str, ...]:
    """Generated files that were changed or removed since they were written."""
    return tuple(
        name
        for name, digest in document.digests.items()
        if not (folder / name).is_file() or sha256(folder / name) != digest
    )


def describe(plan: Plan, design: Design, config: RtlConfig, model_sha256: str | None) -> Document:
    """The document of a design, digests still to come."""
    return Document(
        version=levelone.__version__,
        top=design.top,
        config=config,
        model_sha256=model_sha256,
        values={name: value.shape for name, value in plan.graph.values.items()},
        inputs=design.inputs,
        outputs=design.outputs,
        probes=design.probes,
        layers=tuple(
            Layer(name, layer.operation, layer.clocks, layer.multipliers, layer.rom_bits, layer.buffer_bits)
            for name, layer in plan.layers.items()
        ),
        proofs=tuple(
            {"layer": name, **asdict(layer.proof)}
            for name, layer in plan.layers.items()
            if layer.proof is not None
        ),
        digests={},
    )


def _write_sources(folder: Path, design: Design, config: RtlConfig) -> None:
    (folder / SOURCES).mkdir()
    (folder / SOURCES / f"{design.top}.sv").write_text(design.text, encoding="utf-8")
    for block in design.blocks:
        shutil.copyfile(BLOCKS / f"{block}.sv", folder / SOURCES / f"{block}.sv")
    names = [f"{name}.sv" for name in (*design.blocks, design.top)]
    ports = [
        f"| `{way}_{name}` | {direction} | {stream.beats} | {stream.lanes} | {stream.width} | "
        f"{'signed' if stream.signed else 'unsigned'} |"
        for way, direction, streams in (("in", "in", design.inputs), ("out", "out", design.outputs))
        for name, stream in streams.items()
    ]
    for name, text in {
        f"{design.top}.xdc": scripts.constraints(config),
        "vivado.tcl": scripts.vivado(design.top, config, names),
        "Makefile": scripts.makefile(design.top, names),
        "PORTS.md": scripts.port_map(ports),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")


def _write_golden(folder: Path, graph: Graph, design: Design, codes: Mapping[str, Codes]) -> None:
    answers = execute(graph, codes, keep="outputs")
    (folder / testbench.FOLDER).mkdir()
    for way, streams, given in (("in", design.inputs, codes), ("out", design.outputs, answers)):
        for name, stream in streams.items():
            text = testbench.hex_lines(pack(given[name], stream), stream)
            (folder / testbench.FOLDER / f"{way}_{name}.hex").write_text(text, encoding="ascii")
    events = len(next(iter(codes.values())))
    bench = testbench.testbench(design.top, design.inputs, design.outputs, events)
    (folder / "testbench.sv").write_text(bench, encoding="utf-8")


def _check_target(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise LeveloneError(f"{folder} is a file, a project is a folder", hint="choose another -o")
    if not any(folder.iterdir()):
        return
    try:
        read_document(folder)
    except LeveloneError as error:
        document = folder / DOCUMENT
        if document.is_file() and SCHEMA in document.read_text(encoding="utf-8", errors="replace"):
            return  # a project of another version, or a damaged one
        raise LeveloneError(
            f"{folder} exists and is not a streamed RTL project; nothing was written",
            hint="choose another -o, or remove that folder yourself",
        ) from error

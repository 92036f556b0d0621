"""Faults around the firmware: includes, bridge, test bench, scripts, `levelone.json`; edits of comments."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.mutation.edits import Edit, Fault, planted_texts, text_of
from levelone.hardware.body import DOCUMENT
from levelone.hls.manifest import Manifest

PARAMETERS = "firmware/parameters.h"

BENCH: Sequence[tuple[str, str]] = (
    ("!= expected[", "> expected["),
    ("                differences++;\n", ""),
    ("return events == 0 || differences != 0;", "return events == 0;"),
    ("expected[0 + i]", "expected[0]"),
    ("std::vector<double> expected = numbers(prediction_line);", "std::vector<double> expected = in;"),
    ('predictions("tb_data/tb_output_predictions.dat")', 'predictions("tb_data/tb_input_features.dat")'),
)
"""Text of the test bench, and what it becomes."""

SCRIPTS: Mapping[str, Sequence[tuple[str, str]]] = {
    "build_lib.sh": (
        ("-O3 -fPIC", "-O3 -ffast-math -fPIC"),
        ("-O3 -fPIC", "-O3 -D__SYNTHESIS__ -fPIC"),
        ("-Ifirmware/ap_types/", "-Imine -Ifirmware/ap_types/"),
        ("-c firmware/${PROJECT}.cpp", "-include mine.h -c firmware/${PROJECT}.cpp"),
    ),
    "build_prj.tcl": (
        (
            'firmware/${project_name}.cpp -cflags "-std=c++0x"',
            'other/${project_name}.cpp -cflags "-std=c++0x"',
        ),
        ('.cpp -cflags "-std=c++0x"', '.cpp -cflags "-std=c++0x -DMINE"'),
        ("config_compile -name", "config_compile -unsafe_math_optimizations -name"),
    ),
    "project.tcl": (('set project_name "', 'set project_name "other_'),),
    "vivado_synth.tcl": (("synth_design", "synth_design -generic MINE=1"),),
    "hls4ml_config.yml": (("IOType: io_", "IOType: other_"), ("Strategy: ", "Strategy: other_")),
}
"""The same of scripts and of hls4ml's configuration."""

CHOICES: Mapping[str, tuple[str, str]] = {
    "project.tcl": ("set clock_period ", "set clock_period 1"),
    "build_opt.tcl": ("cosim      1", "cosim      0"),
    "hls4ml_config.yml": ("Part: ", "Part: my-"),
}
"""Choices of device, clock and steps, which are the user's."""


def around_faults(manifest: Manifest, numbers: Sequence[Fault]) -> Iterator[Fault]:
    """All of them; `numbers` are those of the parameter headers, of which some are made to look right."""
    yield from _includes(manifest, numbers)
    yield from _bridge(manifest)
    yield from _replaced(manifest.project, "test bench", f"{manifest.name}_test.cpp", BENCH)
    yield from _events(manifest)
    for name, entries in SCRIPTS.items():
        yield from _replaced(manifest.project, "script", name, entries)
    yield from _document(manifest, numbers)
    yield from _comments(manifest)


def _replaced(project: Path, kind: str, file: str, entries: Sequence[tuple[str, str]]) -> Iterator[Fault]:
    text = text_of(project, file)
    for old, new in entries:
        at = text.find(old)
        if at >= 0:
            yield Fault(kind, None, f"{file}: {new!r}, not {old!r}", (Edit(file, at, at + len(old), new),))


def _includes(manifest: Manifest, numbers: Sequence[Fault]) -> Iterator[Fault]:
    text = text_of(manifest.project, PARAMETERS)
    for folder in ("weights", "nnet_utils"):
        lines = list(re.finditer(rf'#include "({folder}/\w+\.h)"', text))
        for one, two in itertools.pairwise(lines[:3]):
            edits = (Edit(PARAMETERS, *one.span(1), two[1]), Edit(PARAMETERS, *two.span(1), one[1]))
            yield Fault("include", None, f"{one[1]} and {two[1]} exchanged", edits)
            other = (Edit(PARAMETERS, *one.span(1), two[1]),)
            yield Fault("include", None, f"{two[1]} in place of {one[1]}", other)
    for number in numbers[:3]:
        ((file, changed),) = planted_texts(manifest.project, [number]).items()
        name, at = file.removeprefix("firmware/"), text.find(file.removeprefix("firmware/"))
        if at >= 0:
            other_name = name.replace(".h", "_2.h")
            edits = (
                Edit(PARAMETERS, at, at + len(name), other_name),
                Edit(f"firmware/{other_name}", 0, 0, changed),
            )
            yield Fault("include", number.layer, f"{other_name} in place of {name}: {number.what}", edits)
    for name, lines_of in (
        ("firmware/ap_fixed.h", '#include "ap_types/ap_fixed.h"\n#define AP_SAT AP_WRAP\n'),
        ("firmware/ap_fixed.h", '#include "ap_types/ap_fixed.h"\n#define AP_RND_CONV AP_TRN\n'),
        ("firmware/ap_types/cstddef", "#include_next <cstddef>\n#define AP_SAT AP_WRAP\n"),
        ("firmware/ap_types/stdlib.h", "#include_next <stdlib.h>\n#define AP_SAT AP_WRAP\n"),
    ):
        yield Fault("added file", None, f"{name}: {lines_of!r}", (Edit(name, 0, 0, lines_of),))


def _bridge(manifest: Manifest) -> Iterator[Fault]:
    file = f"{manifest.name}_bridge.cpp"
    text = text_of(manifest.project, file)
    start = text.index(f"{manifest.name}_double(")
    read = re.compile(r"nnet::convert_data<double, \w+, ([\d*]+)>\((\w+), \w+_ap\);")
    written = re.compile(r"nnet::convert_data<\w+, (?:double|float), ([\d*]+)>\(\w+_ap, (\w+)\);")
    for found in written.finditer(text):
        kind = "bridge" if found.start() > start else "bridge of floats"
        edit = Edit(file, found.end(), found.end(), f" {found[2]}[0] += 1;")
        yield Fault(kind, found[2], f"{found[2]}: one more", (edit,))
    for pattern in (read, written):
        ports = [found for found in pattern.finditer(text) if found.start() > start]
        for one, two in itertools.pairwise(ports):
            same_graph = one[2].split("_")[0] == two[2].split("_")[0]  # of several side by side
            if same_graph and one[1] == two[1]:  # the same size
                edits = (Edit(file, *one.span(2), two[2]), Edit(file, *two.span(2), one[2]))
                yield Fault("port order", one[2], f"bridge: {one[2]} and {two[2]} exchanged", edits)
    for found in list(read.finditer(text)):
        if found.start() > start:
            edit = Edit(file, *found.span(), "")
            yield Fault("bridge", None, f"{found[2]} is not read", (edit,))


def _events(manifest: Manifest) -> Iterator[Fault]:
    bench = manifest.document.test_bench
    given, expected = (text_of(manifest.project, name) for name in (bench.inputs, bench.outputs))
    first = re.match(r"\S+", expected)
    assert first is not None
    more = str(float(first[0]) + 1)
    line = expected.index("\n") + 1
    for what, edits in {
        "an output one more": (Edit(bench.outputs, 0, first.end(), more),),
        "an event's outputs left out": (Edit(bench.outputs, 0, line, ""),),
        "no outputs": (Edit(bench.outputs, 0, len(expected), ""),),
        "no events": (Edit(bench.inputs, 0, len(given), ""), Edit(bench.outputs, 0, len(expected), "")),
        "an input beyond the port": (Edit(bench.inputs, 0, 0, "9999"),),
    }.items():
        yield Fault("events", None, what, edits)
    twice = (
        Edit(bench.inputs, 0, 0, given[: given.index("\n") + 1]),
        Edit(bench.outputs, 0, 0, expected[:line]),
    )
    yield Fault("events", None, "the first event twice", twice, harmless=True)


def _document(manifest: Manifest, numbers: Sequence[Fault]) -> Iterator[Fault]:
    text = text_of(manifest.project, DOCUMENT)
    for found in list(re.finditer(r'"trace": ("\w+")', text))[:2]:
        yield Fault(
            "document", None, f"{found[1]} is not compared", (Edit(DOCUMENT, *found.span(1), "null"),)
        )
    for found in list(re.finditer(r'"rounding": "(\w+)"|"lo": (-?\d+)', text))[:3]:
        group = 1 if found[1] else 2
        other = "UP" if found[1] else str(int(found[2]) - 1)
        edit = Edit(DOCUMENT, *found.span(group), other)
        yield Fault("document", None, f"{found[0]}: {other}", (edit,))
    for number in numbers[:3]:
        for file, changed in planted_texts(manifest.project, [number]).items():
            digest = manifest.document.digests[file]
            at = text.index(digest)
            other = hashlib.sha256(changed.encode()).hexdigest()
            edits = (*number.edits, Edit(DOCUMENT, at, at + len(digest), other))
            yield Fault("document", None, f"a digest that is made to fit: {number.what}", edits)


def _comments(manifest: Manifest) -> Iterator[Fault]:
    """What people write into projects: comments, blank lines, other line ends, their own device."""
    weights = sorted((manifest.project / "firmware/weights").glob("*.h"))[:1]
    sources = [
        f"firmware/{manifest.name}.cpp",
        f"firmware/{manifest.name}.h",
        PARAMETERS,
        "firmware/defines.h",
        "firmware/nnet_utils/nnet_activation.h",
        *(path.relative_to(manifest.project).as_posix() for path in weights),
        f"{manifest.name}_bridge.cpp",
        f"{manifest.name}_test.cpp",
    ]
    for file in sources:
        end = len(text_of(manifest.project, file))
        edits = (Edit(file, 0, 0, "/* looked at\n   by hand */\n\n"), Edit(file, end, end, "// as it was\n"))
        yield Fault("comment", None, file, edits, harmless=True)
    text = text_of(manifest.project, PARAMETERS)
    ends = (Edit(PARAMETERS, 0, len(text), text.replace("\n", "\r\n")),)
    yield Fault("comment", None, f"{PARAMETERS}: other line ends", ends, harmless=True)
    for file in SCRIPTS:
        end = len(text_of(manifest.project, file))
        yield Fault("comment", None, file, (Edit(file, end, end, "# looked at\n"),), harmless=True)
    for file, (old, new) in CHOICES.items():
        at = text_of(manifest.project, file).index(old)
        edit = Edit(file, at, at + len(old), new)
        yield Fault("choice", None, f"{file}: {new}", (edit,), harmless=True)

"""What is not as it was proven is found by reading it, without any vector."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from levelone.files import sha256
from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Dense, Lookup, Relu, Requantise
from levelone.hls import HlsConfig, convert
from levelone.hls.body import BODY
from levelone.pipeline.checks import VectorSet, compare
from levelone.verify import Outcome, check_project
from levelone.verify.diagnosis import diagnose
from levelone.verify.hls.firmware import read_numbers
from levelone.verify.hls.source import code_of, script_of
from levelone.verify.reading import Finding, read_project
from levelone.verify.story import tell

DEFINES, TOP = "firmware/defines.h", "firmware/myproject.cpp"
PARAMETERS, WEIGHTS = "firmware/parameters.h", "firmware/weights/first_weight.h"
TABLE, HEADER = "firmware/weights/curve_table.h", "firmware/nnet_utils/nnet_activation.h"
BRIDGE, BENCH = "myproject_bridge.cpp", "myproject_test.cpp"
GIVEN, EXPECTED = "tb_data/tb_input_features.dat", "tb_data/tb_output_predictions.dat"


def network() -> Graph:
    rng = np.random.default_rng(2)
    b = GraphBuilder("read")
    x = b.input("x", (6,), Fraction(1), IntRange(-8, 7))
    sums = b.node("first", Dense(rng.integers(-7, 8, (6, 5)), rng.integers(-9, 9, 5), (Fraction(1, 8),)), x)
    half = Requantise.between(b.values[sums], Fraction(1, 3), IntRange(-8, 7))
    codes = b.node("act", half, b.node("positive", Relu(), sums))
    looked = b.node("curve", Lookup(-8, np.arange(16)[::-1].copy(), (Fraction(1),)), codes)
    last = Dense(rng.integers(-7, 8, (5, 2)), np.zeros(2, int), (Fraction(1),))
    return b.build(b.node("last", last, looked))


@pytest.fixture(scope="module", params=["parallel", "stream"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("read") / "project"
    return convert(network(), folder, HlsConfig(io=request.param)).project


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "project"))


def findings(project: Path) -> list[Finding]:
    return read_project(BODY.name, BODY.read(project), network()).findings()


def edit(project: Path, name: str, change: Callable[[str], str]) -> None:
    before = (project / name).read_text()
    after = change(before)
    assert after != before
    (project / name).write_text(after)


def accumulator(bits: int) -> Callable[[str], str]:
    """`bits` more at the upper end of the first layer's accumulator; its grid stays."""

    def change(text: str) -> str:
        return re.sub(
            r"ap_fixed<(\d+),(\d+)> first_accum_t",
            lambda m: f"ap_fixed<{int(m[1]) + bits},{int(m[2]) + bits}> first_accum_t",
            text,
        )

    return change


def in_numbers(change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    def edited(text: str) -> str:
        body = re.search(r"= \{([^{}]*)\};", text)
        assert body is not None
        return text.replace(body[1], ", ".join(change([n.strip() for n in body[1].split(",")])))

    return edited


def exchanged_calls(text: str) -> str:
    """The lines of the last two calls of layers in the other order."""
    lines = text.splitlines(keepends=True)
    calls = [i for i, line in enumerate(lines) if re.match(r"\s+nnet::(?!save)", line)]
    a, b = calls[-2:]
    lines[a], lines[b] = lines[b], lines[a]
    return "".join(lines)


def exchanged_includes(text: str) -> str:
    found = re.findall(r'#include "weights/\w+\.h"\n', text)
    return text.replace(found[0], "@").replace(found[1], found[0]).replace("@", found[1])


def old_line_kept(pattern: str) -> Callable[[str], str]:
    """What people do by hand: the old line becomes a comment, beside it stands a new one."""

    def change(text: str) -> str:
        found = re.search(pattern, text)
        assert found is not None
        numbers = re.sub(r"(?<= )-?[\d.]+(?=,)", "1", found[0], count=2)
        new = re.sub(r"<\d+,\d+>", "<3,3>", numbers)
        return text.replace(found[0], f"{new}\n/* it was\n{found[0]}\n*/")

    return change


def unrecorded(text: str) -> str:
    """The first layer is not compared any more."""
    return text.replace('"trace": "first"', '"trace": null')


def one_more(text: str) -> str:
    """The first number of a table, plus 1."""
    return re.sub(r"\S+", lambda number: str(float(number[0]) + 1), text, count=1)


def quotients(numbers: list[str]) -> list[str]:
    """A fraction, spelt as a division: in C++ it is 0."""
    at = next(i for i, number in enumerate(numbers) if float(number) % 1 == 0.5)
    return [*numbers[:at], f"{int(2 * float(numbers[at]))}/2", *numbers[at + 1 :]]


HARMLESS: dict[str, tuple[str, Callable[[str], str]]] = {
    "comment": (TOP, lambda text: text.replace("\n", "\n// looked at by hand\n", 1)),
    "block comment": (PARAMETERS, lambda text: "/* one\n two */\n" + text),
    "blanks": (TOP, lambda text: text.replace("    ", "\t\t") + "\n\n"),
    "other spelling of numbers": (WEIGHTS, in_numbers(lambda n: [f"{float(x):.12f}" for x in n])),
    "wider accumulator": (DEFINES, accumulator(2)),
    "line ends": (TOP, lambda text: text.replace("\n", "\r\n")),
    "build script": ("build_prj.tcl", lambda text: text + "# more\n"),
    "device": ("project.tcl", lambda text: text.replace("set part ", "set part my-")),
    "spelling of an expected output": (EXPECTED, lambda text: text.replace("\n", ".0\n")),
    "steps": ("build_opt.tcl", lambda text: text.replace("cosim      1", "cosim      0")),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_changes_nothing_is_proven(name: str, project: Path) -> None:
    assert findings(project) == []
    edit(project, *HARMLESS[name])
    assert BODY.read(project).edited == (HARMLESS[name][0],)
    assert findings(project) == []


def narrow_result(text: str) -> str:
    return re.sub(r"ap_u?fixed<\d+,\d+>(.*) (last_t|result_t);", r"ap_fixed<4,4>\1 \2;", text)


def one_weight(numbers: list[str]) -> list[str]:
    return [*numbers[:7], str(float(numbers[7]) + 1), *numbers[8:]]


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


FAULTS: dict[str, tuple[str, Callable[[str], str], str, str]] = {
    "narrow accumulator": (
        DEFINES,
        accumulator(-1),
        "type",
        r"first_accum_t is .* chose .*: it holds -",
    ),
    "narrow result": (
        DEFINES,
        narrow_result,
        "type",
        r"is .*ap_fixed<4,4>.* holds -8 \.\.\. 7, not",
    ),
    "one weight": (WEIGHTS, in_numbers(one_weight), "number", "number 7 is"),
    "a row of weights": (WEIGHTS, in_numbers(lambda n: [*["0"] * 5, *n[5:]]), "number", "is 0, not"),
    "a weight less": (WEIGHTS, in_numbers(lambda n: n[:-1]), "code", "other code"),
    "table": (TABLE, in_numbers(lambda n: [*n[:3], "0", *n[4:]]), "number", "number 3 is 0, not 4"),
    "size": (PARAMETERS, replaced("n_out = 5", "n_out = 4"), "code", "n_out = 4.*was.*n_out = 5"),
    "order of calls": (TOP, exchanged_calls, "code", "line"),
    "includes": (PARAMETERS, exchanged_includes, "code", "include"),
    "pragma": (TOP, replaced("#pragma HLS", "#pragma HLX"), "code", "HLX"),
    "header": (HEADER, replaced("> 0", ">= 1"), "code", "line"),
    "comment that goes on": (HEADER, replaced("struct ", "// \\\nstruct "), "code", "line"),
    "bridge": (BRIDGE, replaced("_double(", "_double (1 + "), "code", "line"),
    "test bench": (BENCH, replaced("!= expected[", "< expected["), "code", "expected"),
    "numbers commented out": (WEIGHTS, old_line_kept(r"first_weight_t .*;"), "number", "number 1 is"),
    "type commented out": (
        DEFINES,
        old_line_kept(r"typedef ap_fixed<\d+,\d+> first_accum_t;"),
        "type",
        "first_accum_t is ap_fixed<3,3>",
    ),
    "octal number": (WEIGHTS, in_numbers(lambda n: ["0" + n[0].lstrip("-"), *n[1:]]), "code", "other code"),
    "quotient of integers": (WEIGHTS, in_numbers(quotients), "code", "other code"),
    "type of which it is a part": (
        DEFINES,
        lambda text: re.sub(r"(ap_fixed.*) (first_accum_t;)", r"nnet::array<\1, 1> \2", text),
        "type",
        "first_accum_t is nnet::array",
    ),
    "end of a comment in two lines": (TOP, replaced("{\n", "{ /* *\\\n/ return; /* */\n"), "code", "line"),
    "trigraph": (TOP, replaced("// hls-fpga", "// ??/\n"), "code", "line"),
    "end of a line that is none": (PARAMETERS, replaced("weights\n", "weights\r"), "code", "line"),
    "form feed": (PARAMETERS, replaced('weight.h"\n', 'weight.h"\f'), "code", "include"),
    "flags of the compiler": ("build_lib.sh", replaced("-O3", "-O3 -ffast-math"), "code", "fast-math"),
    "flags of the tool": ("build_prj.tcl", replaced('"-std=c++0x"', '"-DRTL_SIM"'), "code", "RTL_SIM"),
    "expected output": (EXPECTED, one_more, "file", "event 0: not the last that"),
    "events without outputs": (EXPECTED, lambda text: text.split("\n", 1)[1], "file", "outputs of the 32"),
    "no events": (GIVEN, lambda text: "", "file", "does not hold events"),
    "event that is none": (GIVEN, replaced(" ", " 900"), "file", "does not hold events"),
    "record that is left out": ("levelone.json", unrecorded, "file", r"layers\.0\.trace is null, not"),
    "command behind a choice": (
        "project.tcl",
        lambda text: re.sub("(set part .*)", r"\1; set tcldir /", text),
        "code",
        "set tcldir /",
    ),
    "configuration": ("hls4ml_config.yml", replaced("IOType: io_", "IOType: ip_"), "code", "IOType"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_found_without_a_vector(name: str, project: Path) -> None:
    file, change, kind, words = FAULTS[name]
    edit(project, file, change)
    (found,) = findings(project)
    assert (found.file, found.kind) == (file, kind)
    assert re.search(words, found.text), found.text
    if kind in ("type", "number"):
        assert found.layer in ("first", "last", "curve")


def test_files_that_are_missing_or_added(project: Path) -> None:
    (project / HEADER).unlink()
    (project / "firmware/nnet_utils/notes.txt").write_text("mine")
    (project / "firmware/ap_types/nnet_types.h").write_text("// hides the one of nnet_utils\n")
    (project / "firmware/ap_types/stdlib.h").write_text("// hides one of the system\n")
    assert [(f.file, f.kind, f.text.split(",")[0]) for f in findings(project)] == [
        (HEADER, "file", "is missing"),
        ("firmware/ap_types/nnet_types.h", "file", "was added"),
        ("firmware/ap_types/stdlib.h", "file", "was added"),
    ]


def test_digests_that_are_made_to_fit(project: Path) -> None:
    """An edit whose digest is edited, too, is found all the same."""
    before = sha256(project / TOP)
    edit(project, TOP, replaced("    nnet::", "    if (true) nnet::"))
    edit(project, "levelone.json", replaced(before, sha256(project / TOP)))
    assert BODY.read(project).edited == ("levelone.json",)
    assert [finding.file for finding in findings(project)] == [TOP, "levelone.json"]


def test_digests_that_another_version_wrote(project: Path) -> None:
    """A file that this version would write otherwise cannot be compared: it is not called proven."""
    path = project / "levelone.json"
    digest = re.search(rf'"{WEIGHTS}": "(\w+)"', path.read_text())
    assert digest is not None
    older = re.sub(r'"seal": "\w+"', '"seal": null', path.read_text())
    path.write_text(older.replace(digest[1], "0" * 64))
    (found,) = findings(project)
    assert found.file == WEIGHTS and "would write it otherwise" in found.text


def test_code_without_comments() -> None:
    assert code_of('a /* b\n c */ "// d" // e\n\n  f\tg  \n') == 'a "// d"\nf g'
    assert code_of("a // b \\\n c\nd") == "a\nd"  # the comment goes on
    assert code_of("a /* *\\\n/ b /* */\n") == "a b"  # the comment ends
    for odd in ("a // ??/\nb", "a // b\rc", "a // b \\ \nc", 'R"(//)"'):  # compilers do not agree
        assert code_of(odd) == odd
    assert code_of('"a  b"') != code_of('"a b"')
    assert code_of("a\n#b\fc") == "a\n#b c"
    assert code_of("int a;") != code_of("inta;")
    assert code_of("#define A 1\nb") != code_of("#define A 1 b")


BLIND = [
    'set part "a"; exec rm x',
    "set part [exec rm x]",
    'set part "a" \\',
    "set part {",
    'set part "a',
    "set clock_period 5\rexec rm x",
    "Part: |",
    "# a\rexec rm x",
    "# }",
    "# a \\",
]


@pytest.mark.parametrize("line", BLIND)
def test_what_follows_a_choice_or_a_comment_is_seen(line: str) -> None:
    assert script_of(f"a\n{line}\nb\n") != "a\nb"


def test_scripts_without_choices_and_comments() -> None:
    choices = 'set part "xcvu13p-2-e"\nset part a\n set clock_uncertainty 12.5%\nPart: a-b\nClockPeriod: 2.78'
    assert script_of(f"a\n# b; c\n\n{choices}\n  csim 1\nb  ") == "a\nb"
    assert script_of("a \\\n# b\nc") != script_of("a \\\nc")  # the command would end
    assert script_of("a \\\n\nc") != script_of("a \\\nc")
    assert script_of("a \\ \nc") != script_of("a \\\nc")


def test_numbers_are_those_that_cpp_reads(tmp_path: Path) -> None:
    def read(text: str) -> list[Fraction]:
        (tmp_path / "w.h").write_text(f"t w[1] = {{{text}}};\n")
        return read_numbers(tmp_path / "w.h")

    assert read("9007199254740993, -9223372036854775807") == [2**53 + 1, 1 - 2**63]
    for double in ("9007199254740993.", "9007199254740993.0", "9007199254740993e0"):
        assert read(double) == [2**53]
    assert read("-0.375, 1e3") == [Fraction(-3, 8), 1000]
    assert read("0.1") == [Fraction(0.1)] != [Fraction(1, 10)]
    for odd in ("9223372036854775808", "1e999", "1" * 5000):  # no type holds them
        assert read(odd) == []


@pytest.mark.slow
def test_equal_on_the_vectors_is_not_exact(tmp_path: Path) -> None:
    graph = network()
    project = convert(graph, tmp_path / "p").project
    edit(project, DEFINES, accumulator(-2))
    codes = {"x": np.zeros((3, 6), dtype=np.int64)}
    check = check_project(project, codes, graph=graph)
    assert check.verdict.outcome is Outcome.EXACT  # no vector shows it
    assert check.outcome is Outcome.NOT_PROVEN and check.outcome.exit_code == 3
    result = compare([project], graph, [VectorSet("zeros", codes, None)], [])
    assert result["verdict"] == result["bodies"][0]["verdict"] == "equal, not proven"
    assert result["findings"][0]["kind"] == "type" and "first_accum_t is" in result["reason"]
    found = diagnose(project, codes, graph=graph)
    assert found["verdict"] == "equal, not proven"
    assert "not all is as it was proven" in tell(found)[0] and "first_accum_t is" in tell(found)[1]
    edit(project, DEFINES, accumulator(5))
    assert check_project(project, codes, graph=graph).outcome is Outcome.EXACT

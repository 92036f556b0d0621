"""Every operation of the graph, drawn at random, in both io modes: csim against the slow twin.

Cases and twins are those that define the operations (`tests/graph`); many of them are branches of one
project, so that one compile serves them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from cases import CASES, Case, seeded
from twins import TWINS

from levelone.errors import UnsupportedError
from levelone.graph import Graph, GraphBuilder
from levelone.graph.ops import OPERATIONS
from levelone.hls import HlsConfig, build, convert, run
from levelone.hls.lower import lower

pytestmark = pytest.mark.slow

EVENTS = 6
PER_OPERATION = 2


@dataclass(frozen=True)
class Branches:
    """Cases side by side, and what the twin says of each."""

    graph: Graph
    codes: dict[str, np.ndarray]
    expected: dict[str, np.ndarray]


def carried(case: Case, config: HlsConfig) -> bool:
    """Whether the case can be carried: one whose sums leave 53 bits is refused."""
    b = GraphBuilder("one")
    try:
        lower(b.build(add(b, "y", case)), config)
    except UnsupportedError as error:
        assert "bits" in str(error) or "levels" in str(error), error
        return False
    return True


def case_codes(name: str, case: Case) -> list[tuple[str, np.ndarray]]:
    return [
        (f"{name}_{value.name}_q", np.resize(codes.astype(np.int64), (EVENTS, *value.shape)))
        for value, codes in zip(case.inputs, case.codes, strict=True)
    ]


def add(b: GraphBuilder, name: str, case: Case) -> str:
    """A branch for `case`, with ports of its own."""
    ports = []
    for value in case.inputs:
        port = b.input(f"{name}_{value.name}_q", value.shape, value.scale[0], value.range)
        ports.append(port)
    return b.node(name, case.op, *ports)


def branches(seed: int, config: HlsConfig) -> Branches:
    b = GraphBuilder("every")
    codes, expected, outputs = {}, {}, []
    for kind, operation in sorted(OPERATIONS.items()):
        made, own = 0, crc32(kind.encode()) % 1000  # whatever other operations there are
        for attempt in range(20 * PER_OPERATION):
            case = CASES[operation](seeded(1000 * (1000 * seed + own) + attempt))
            if made == PER_OPERATION or not carried(case, config):
                continue
            name = f"{kind.lower()}{made}"
            given = dict(case_codes(name, case))
            result = TWINS[operation](case.op, *(c.astype(object) for c in given.values()))
            if all(len(np.unique(event)) == 1 for event in result):
                continue  # saturated, or one number: a wrong body might give the same
            outputs.append(add(b, name, case))
            codes |= given
            expected[name] = result
            made += 1
        assert made == PER_OPERATION, kind
    return Branches(b.build(*outputs), codes, expected)


def differing(project: Path, made: Branches) -> set[str]:
    found = run(build(project), made.codes)
    return {name for name, codes in made.expected.items() if (found[name] != codes).any()}


@pytest.fixture(scope="module", params=["parallel", "stream"])
def every(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("every")
    config = HlsConfig(io=request.param)
    made = branches(7, config)
    return convert(made.graph, folder / "every", config), made


def test_every_operation_equals_its_slow_twin(every) -> None:
    manifest, made = every
    assert differing(manifest.project, made) == set()


BROKEN = {
    "levelone_affine.h": [("+ code(term[channel])", "- 1 - code(term[channel])")],
    "levelone_add_requantise.h": [("result -= (long long)", "result -= 1 + (long long)")],
    "levelone_conv.h": [("sum[f] = biases[f]", "sum[f] = 0")],
    "levelone_copy.h": [("code(in[i])", "code(in[0])"), ("code(beat[taken + j])", "code(beat[0])")],
    "levelone_gather.h": [
        ("code(in[from])", "code(in[0])"),
        ("code(recent[from]", "1 + code(recent[from]"),
        ("code(all[from])", "code(all[0])"),
    ],
    "levelone_locally_connected.h": [("position * CONFIG_T::out_channels", "0")],
    "levelone_lookup.h": [("code(table[channel * CONFIG_T::entries + entry])", "code(table[0])")],
    "levelone_staircase.h": [("level += code(rise[at])", "level -= code(rise[at]) + 1")],
    "levelone_merge.h": [
        ("code(a) + code(b)", "code(a) - code(b)"),
        ("code(a) * code(b)", "code(a) + code(b)"),
        ("code(b[i * CONFIG_T::b_block + j])", "0"),
        ("out[BEGIN + j + c]", "out[j + c]"),
    ],
    "levelone_element_affine.h": [("return code(constants", "return 1 - code(constants")],
    "levelone_matmul.h": [("sum += code", "sum -= code")],
    "levelone_power.h": [("product *= factor;", "product -= factor;")],
    "levelone_pool.h": [("best < candidate", "candidate < best"), ("sum[c] += code", "sum[c] -= code")],
    "levelone_reduce.h": [("a < b ? b : a", "a < b ? a : b"), ("return a + b", "return a - b")],
    "nnet_pooling.h": [("y = x[i] > y ? x[i] : y;", "y = x[i] < y ? x[i] : y;")],
    "levelone_requantise.h": [("+ code(term[channel])", "- 3"), (">= signed_code(", "< signed_code(")],
    # hls4ml's own bodies
    "nnet_activation.h": [("if (datareg > 0)", "if (datareg < 0)"), ("res[ii] = datareg;", "res[ii] = 0;")],
    "nnet_activation_stream.h": [
        ("if (in_data[j] > 0)", "if (in_data[j] < 0)"),
        ("out_data[j] = in_data[j];", "out_data[j] = 0;"),
    ],
    "nnet_conv1d_latency.h": [("biases[i_acc]", "1"), ("= biases[ff]", "= 1")],
    "nnet_conv2d_latency.h": [("biases[i_acc]", "1")],
    "nnet_dense_latency.h": [("(typename CONFIG_T::accum_t)biases[iacc]", "0")],
    "nnet_merge.h": [("% CONFIG_T::n_elem1] + data2", "% CONFIG_T::n_elem1] - data2")],
    "nnet_merge_stream.h": [("= in_data1[j] + in_data2[j];", "= in_data1[j];")],
    "nnet_transpose.h": [("int idx = transfer_idx<CONFIG_T>(i);", "int idx = i;")],
    "nnet_transpose_stream.h": [("data_array[j * CONFIG_T::from_shape[1] + i]", "data_array[0]")],
}
"""A wrong text for every body, all of them at once: branches do not touch each other."""


def test_a_broken_body_of_every_operation_is_caught(every) -> None:
    manifest, made = every
    utilities = manifest.project / "firmware" / "nnet_utils"
    for header, edits in BROKEN.items():
        path = utilities / header
        if not path.is_file():
            continue  # of the other io mode
        text = path.read_text(encoding="utf-8")
        for right, wrong in edits:
            assert right in text, (header, right)
            text = text.replace(right, wrong)
        path.write_text(text, encoding="utf-8")
    caught = {re.sub(r"\d+$", "", name) for name in differing(manifest.project, made)}
    assert caught == {kind.lower() for kind in OPERATIONS}

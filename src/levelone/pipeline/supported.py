"""docs/supported-models.md, from the tables of the reader and of the hardware stage.

``python -m levelone.pipeline.supported > docs/supported-models.md`` writes it anew; a test compares.
"""

from __future__ import annotations

from levelone.graph.ops import OPERATIONS
from levelone.graph.reader.axes import MAX_SINGLE
from levelone.graph.reader.catalogue import ENTRIES
from levelone.graph.reader.channels_last import KINDS
from levelone.graph.reader.context import BUDGET, MAX_OUTPUT_WIDTH, MAX_VALUE
from levelone.graph.reader.elements import MAX_ELEMENTS
from levelone.graph.reader.handlers import HANDLERS, NEAREST
from levelone.graph.reader.hosted import HOSTED, LAYERS
from levelone.graph.reader.load import DOMAINS
from levelone.graph.reader.quantiser_node import QUANTISERS
from levelone.hls.operations import LOWERINGS

HEAD = """# Supported models

Which QONNX files levelone reads, what it refuses and in which words. This page is written by
`python -m levelone.pipeline.supported` from the tables of the code, and a test keeps the two equal.

A refusal is one message with the node's name, operator and attributes and the nearest form that is carried;
the command line leaves with exit code 2. The file is never changed, and nothing outside its folder is read.

## Inputs

Every input needs integers. In order of preference:

1. A quantiser ({quantisers}) reads the input: the port carries its integers. One scale or one per channel,
   any zero point, bipolar too; several quantisers of one input are several ports.
2. Between the input and its quantiser stand operators that the host computes in float32: {hosted} with
   constants, and any other operator of ONNX that is no layer ({layers}), of one input
   of the network. Joined inputs (`Concat`) are quantised first and joined in the hardware. Behind the latter
   kind of operators no real input can be found for given codes: C simulation is compared, but not qonnx.
3. The file annotates an integer type (`finn_datatype`, as FINN and qonnx write it).
4. `--port NAME=TYPE` of `inspect`, `convert` and `emulate` declares it: `int8`, `uint8`, `bipolar`,
   `fixed<16,6>`, `ufixed<8,0>`. Networks of QKeras need this. What lies outside that type saturates; that is
   [counted](emulation.md#what-the-ports-take) and said.

The batch axis comes first and may be symbolic; every other axis has a fixed size. Tensors have up to
2^{value} elements per event, and all tensors of a file together up to 2^{budget}.

## Ends

What follows the last integers and has no exact integer form is left to the host: functions that no quantiser
follows, `Softmax`, `ArgMax`, `TopK`, comparisons, and all of ONNX behind them that leads to no quantiser
and to no layer ({layers}). The graph's outputs are their operands, which are what is compared;
`Graph.left_off` names the operators, and `levelone emulate` computes them in float32: it gives the file's own
outputs.

Constants at an output (a float bias after sums of general scale) whose exact integers would be wider than 53
bits are left to the host too: the sums are the output and what is compared, `Graph.ends` holds the constants,
and `levelone emulate` applies them.

## Rules

- What depends on constants alone is computed while reading, by ONNX's own reference, in float64 and rounded
  once.
- Constants between integers and the next quantiser (scales, biases, normalisations, limits) wait, and become
  part of its one exact rounding. Where a maximum or a move of elements stands in between and they are too
  fine for integers of {most} bits, the quantiser is applied before it: it is monotone, the result the same.
- A function of one quantised value before a quantiser is a table with it, also one that is made of several
  operators: arithmetic with constants, functions of functions, sums and products of functions of one value.
- Constants may vary along any axis: codes are moved so that it is the graph's last; where they vary along
  several, every element becomes a channel (up to {single} of them), or has integers of its own in a memory
  (up to {elements}).

## Domains

{domains}. In `qonnx.custom_op.channels_last`: {channels_last}, with weights [out, *kernel, in].

## Operators

"hls" says whether every integer operation that the operator can become has a body in the firmware; details
of a node (rank, streaming, strides) can still be refused there, by name.

| operator | becomes | reads | hls | refused with |
|---|---|---|---|---|
"""

TAIL = """
## Refused operators

| operator | nearest supported form |
|---|---|
"""


FOOT = """
Anything else is refused with the list of the operators above.

## Public models

[What levelone makes of them](public-models.md), file by file: the QONNX model zoo, hls4ml's example models,
FINN's and qonnx's test data, and the networks of Brevitas's own examples.
"""


def render() -> str:
    """The page."""
    lines = HEAD.format(
        quantisers=_listed(QUANTISERS),
        hosted=_listed(HOSTED),
        layers=_listed(LAYERS),
        most=MAX_OUTPUT_WIDTH,
        single=f"{MAX_SINGLE:,}",
        elements=f"{MAX_ELEMENTS:,}",
        domains=_listed(DOMAINS[1:]),
        channels_last=_listed(KINDS),
        value=MAX_VALUE.bit_length() - 1,
        budget=BUDGET.bit_length() - 1,
    )
    for name in sorted(HANDLERS, key=str.lower):
        entry = ENTRIES[name]
        becomes = ", ".join(entry.becomes) or "–"
        refused = "; ".join(f"“{text.strip()}”" for text in entry.refuses) or "–"
        carried = "yes" if all(OPERATIONS[kind] in LOWERINGS for kind in entry.becomes) else "no"
        lines += f"| `{name}` | {becomes} | {entry.reads} | {carried} | {refused} |\n"
    lines += TAIL
    for name in sorted(NEAREST, key=str.lower):
        lines += f"| `{name}` | {NEAREST[name]} |\n"
    return lines + FOOT


def _listed(names: object) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names, key=str.lower))  # type: ignore[call-overload]


if __name__ == "__main__":
    print(render(), end="")

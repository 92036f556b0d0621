"""Clocks and cells on the page: what was planned, estimated, measured or synthesised is called so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from levelone.report.plots import BLUE, GREY, ORANGE
from levelone.report.svg import STYLE, figure
from levelone.report.tables import Raw, table
from levelone.report.words import counted

PLANNED = ("clocks", "multipliers", "rom_bits", "buffer_bits")
FAINTEST = 0.35
"""Shade of a single beat among many clocks without one: it has to be seen."""
TRAINED = "trained module"


def four_ways(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Who gives the reference's integers at every layer and output: the trained module, and each body.

    Parameters
    ----------
    verdicts
        ``csim.json``, ``cosim.json`` of a run.
    """
    columns: dict[str, dict[str, list[Mapping[str, Any]]]] = {TRAINED: {"layers": [], "outputs": []}}
    for verdict in verdicts:
        for part in verdict["sets"]:
            ways = [(body["title"], body) for body in part["bodies"]]
            ways += [(TRAINED, part["module"])] if part.get("module") else []
            for title, found in ways:
                column = columns.setdefault(title, {"layers": [], "outputs": []})
                column["layers"] += found.get("layers", ())
                column["outputs"] += found.get("outputs", ())
    rows = []
    for what, called in (("layers", ""), ("outputs", "output ")):
        # in the order of a body, which gives every layer
        everything = [one for title in (*columns, TRAINED)[1:] for one in columns[title][what]]
        names = dict.fromkeys(one["name"] for one in everything)
        for name in names:
            marks = [
                _mark([one for one in column[what] if one["name"] == name]) for column in columns.values()
            ]
            rows.append((Raw(f"{called}<code>{escape(name)}</code>"), *marks))
    caption = (
        "The integers of the exact reference, as each of the others gives them, over all sets of vectors."
    )
    return _told(caption) + table(("layer", *columns), rows)


def _told(text: str) -> str:
    return f"<p class=soft>{escape(text)}</p>"


def _mark(found: list[Mapping[str, Any]]) -> Raw:
    compared, different = (sum(one[key] for one in found) for key in ("compared", "mismatches"))
    if not compared:
        return Raw("<span class=soft>not compared</span>")
    if different:
        return Raw(f"<span class=bad>{different:,} of {compared:,} differ</span>")
    return Raw(f"<span class=good>equal</span> <span class=soft>{compared:,}</span>")


def clocks(cosim: Mapping[str, Any], estimated: Mapping[str, Any] | None) -> str:
    """Clocks of every output, measured; the hls4ml project's estimate beside them; rough traffic."""
    timing = cosim["timing"]
    if timing is None:
        return _told(f"No clocks: {cosim['reason']}.")
    rows: list[tuple[object, ...]] = [
        (
            Raw(f"RTL, output <code>{escape(name)}</code>"),
            "measured",
            f"{timing['clocks_per_event']:,}",
            f"{clocks:,}",
            f"{timing['after_last_clocks'][name]:,}",
            f"{timing['clock_ns']:g}",
            f"{clocks * timing['clock_ns']:,.0f}",
        )
        for name, clocks in timing["latency_clocks"].items()
    ]
    if estimated is not None:
        rows.append(
            (
                f"hls4ml, io_{estimated['io']}",
                "estimated",
                f"{estimated['interval']:,}",
                f"{estimated['latency']:,}",
                "",
                f"{estimated['clock_ns']:g}",
                f"{estimated['latency_ns']:,.0f}",
            )
        )
    caption = (
        f"Clocks per event: {timing['clocks_per_event']:,} measured, {timing['planned_clocks_per_event']:,} "
        f"planned. Periods are those that the designs were written for; nothing was placed or routed."
    )
    head = ("", "", "clocks per event", "latency", "from the last beat in", "ns per clock", "latency, ns")
    rough = [
        (how["gaps"], how["stalls"], len(how["resets"]), how["problem"] or "outputs exact")
        for how in cosim["traffic"]
    ]
    return (
        _told(caption)
        + table(head, rows, numbers=(2, 3, 4, 5, 6))
        + table(("probability of gaps", "of stalls", "resets in mid-event", ""), rough, numbers=(0, 1, 2))
    )


def resources(project: Mapping[str, Any], synthesis: Mapping[str, Any] | None) -> str:
    """What every layer takes: planned, and, where `levelone synth` was run, synthesised."""
    cells = {} if synthesis is None else synthesis["layers"]
    total = {} if synthesis is None else {kind: n for kind, n in synthesis["total"].items() if n}
    planned = {layer["name"]: layer for layer in project["layers"]}
    sums = (sum(layer[key] for layer in planned.values()) for key in PLANNED[1:])
    rows = []
    for name in planned | cells:
        plan, found = planned.get(name, {}), cells.get(name)
        rows.append(
            (
                Raw(f"<code>{escape(name)}</code>"),
                plan.get("op", ""),
                *(f"{plan[key]:,}" if plan else "" for key in PLANNED),
                *(f"{found[kind]:,}" if found else "" for kind in total),
            )
        )
    rows.append(("total", "", "", *(f"{count:,}" for count in (*sums, *total.values()))))
    made = (
        "Planned before anything was generated; levelone synth counts cells."
        if synthesis is None
        else f"Clocks to buffer bits are planned; the others are {synthesis['kind']} for "
        f"{synthesis['family']} by {synthesis['tool']}."
    )
    kinds = (kind.replace("_", " ") for kind in total)
    head = ("layer", "operation", "clocks", "multipliers", "weight bits", "buffer bits", *kinds)
    page = _told(made) + table(head, rows, numbers=tuple(range(2, len(head))))
    return page + (_expected(synthesis) if synthesis is not None and synthesis.get("estimates") else "")


def _expected(synthesis: Mapping[str, Any]) -> str:
    """Look-up tables of an unrolled design as they were expected, beside those counted."""
    caption = (
        "Look-up tables of layers, activations with the sums that they follow: planned by the bits of every "
        "cell; the same with alkaid's own cost of the adders of products; counted; and ratios to that."
    )
    rows = []
    for one in synthesis["estimates"]:
        names = Raw(
            ", ".join(f"<code>{escape(name)}</code>" for name in one["layers"]) or "all, ports included"
        )
        ratios = ("" if one[key] is None else f"{one[key]:.2f}" for key in ("planned_ratio", "alkaid_ratio"))
        rows.append((names, *(f"{one[key]:,}" for key in ("planned", "by_alkaid", "counted")), *ratios))
    head = ("layers", "planned", "by alkaid", synthesis["kind"], "planned, ratio", "by alkaid, ratio")
    return _told(caption) + table(head, rows, numbers=tuple(range(1, len(head))))


def estimate(found: Mapping[str, Any]) -> str:
    """Clocks of every layer of the hls4ml project, from its loops."""
    keys = ("ticks", "interval", "stages", "begins", "ends")
    rows = [
        (
            Raw(f"<code>{escape(layer['name'])}</code>"),
            layer["operation"],
            *(f"{layer[key]:,}" for key in keys),
        )
        for layer in found["layers"]
    ]
    interval, latency = (counted(found[key], "clock") for key in ("interval", "latency"))
    caption = (
        f"Estimated, io_{found['io']}, {found['style']}: {interval} per event, as many as "
        f"{found['bottleneck']} takes; {latency} until the last result. Ticks are those "
        f"of the generated loops, stages an assumption on delays of logic; no vendor tool has run."
    )
    return _told(caption) + table(("layer", "operation", *keys), rows, numbers=(2, 3, 4, 5, 6))


def beats(measured: Mapping[str, Any], period: int) -> Figure:
    """When beats move in every stream, as shades; the busiest one in its own colour.

    Parameters
    ----------
    measured
        As `levelone.rtl.occupancy.occupancy` gives it.
    period
        Clocks from one event to the next.
    """
    streams, width = measured["streams"], measured["clocks_per_bin"]
    fig = figure(8.8, 0.9 + 0.24 * len(streams))
    with mpl.rc_context(STYLE):
        axes = fig.add_subplot()
        end = width * len(streams[0]["beats"])
        for place, stream in enumerate(reversed(streams)):
            colour = ORANGE if stream["name"] == measured["bottleneck"] else BLUE
            shades = LinearSegmentedColormap.from_list("beats", [(1, 1, 1, 0), colour])
            share = np.array([stream["beats"]]) / width
            drawn = np.where(share > 0, FAINTEST + (1 - FAINTEST) * share, 0)
            extent = (0, end, place - 0.32, place + 0.32)
            axes.imshow(
                drawn, cmap=shades, vmin=0, vmax=1, aspect="auto", extent=extent, interpolation="none"
            )
            axes.plot([stream["first"], stream["last"] + 1], [place - 0.4] * 2, color=GREY, linewidth=1)
            busy = f"{stream['planned_clocks']:,}"
            axes.text(end * 1.01, place, busy, va="center", fontsize=8)
        for start in range(0, end, period):
            axes.axvline(start, color=GREY, linewidth=0.6, linestyle=":")
        axes.set_yticks(range(len(streams)), labels=[stream["name"] for stream in reversed(streams)])
        axes.set(xlim=(0, end), ylim=(-0.6, len(streams) - 0.4), xlabel="clocks from the first beat in")
        axes.set_title("clocks per event, planned", loc="right", fontsize=8)
    return fig


def beats_caption(measured: Mapping[str, Any]) -> str:
    """What the diagram shows, with the bottleneck named."""
    busiest = max(measured["streams"], key=lambda stream: stream["planned_clocks"])
    return (
        f"Beats of the first {measured['events']} events, back to back, measured: full colour is a beat in "
        f"every clock, pale colour a beat now and then, a "
        f"grey line the first event from its first to its last beat, dotted lines stand an "
        f"event apart. Bottleneck: {measured['bottleneck']} (orange), "
        f"{counted(busiest['planned_clocks'], 'clock')} per event."
    )

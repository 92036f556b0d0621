"""The HTML page: one file, no external resource, readable on light and dark, wide and narrow screens."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template
from typing import Any

from matplotlib.figure import Figure

from levelone.panels import Density, Lines, Panel, Rows
from levelone.report import hardware, panels, plots, tables
from levelone.report.content import Content
from levelone.report.svg import render
from levelone.report.words import LABELS


def build_page(content: Content) -> str:
    """The whole page as text; the same content gives the same text."""
    sections = [
        *([] if content.glance is None else [(content.glance.title, _glance)]),
        ("The task", _task),
        ("Learning curves", _curves),
        ("Performance", _performance),
        ("Exactness", _exactness),
        ("Numbers in the firmware", _layers),
        ("Clocks and cells", _hardware),
        ("How it was made", _provenance),
    ]
    body = "\n".join(_section(title, build, content) for title, build in sections)
    template = Template(files("levelone.report").joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(f"{content.title}"),
        subtitle=escape(f"levelone report · {content.command}"),
        cards="".join(_cards(content)),
        sections=body,
    )


def _section(title: str, build: Callable[[Content], str], content: Content) -> str:
    return f"<section><h2>{escape(title)}</h2>{build(content)}</section>"


def _figure(fig: Figure, caption: str) -> str:
    drawing = render(fig, escape(caption, quote=True))
    return f"<figure><div>{drawing}</div><figcaption>{escape(caption)}</figcaption></figure>"


def _absent(what: str, verb: str) -> str:
    return f"<p class=soft>No {escape(what)} in this run folder: <code>{escape(verb)}</code> makes them.</p>"


def _cards(content: Content) -> list[str]:
    """The four numbers that a reader wants first."""
    cards = []
    for found in _verdicts(content):
        verdict = found["verdict"]
        style = "good" if verdict == "exact" else "bad"
        vectors = sum(part["vectors"] for part in found["sets"])
        bodies = ", ".join(body["title"] for body in found["bodies"])
        cards.append(
            (f"<b class={style}>{escape(verdict)}</b>", f"{bodies}: {vectors:,} vectors, every layer")
        )
    if content.cosim is not None and content.cosim["timing"] is not None:
        period, latency = (content.cosim[key] for key in ("clocks_per_event", "latency_clocks"))
        cards.append((f"<b>{period:,}</b>", f"clocks per event in RTL, {latency:,} until the last output"))
    cards += [(f"<b>{escape(card.value)}</b>", card.what) for card in content.cards]
    if content.costs:
        products = sum(cost.get("multiplications", 0) for cost in content.costs.values())
        ebops = sum(cost.get("ebops", 0) for cost in content.costs.values())
        cards.append(
            (f"<b>{ebops:,}</b>", f"effective bit operations, {products:,} multiplications per event")
        )
    return [f"<div class=card>{value}<span>{escape(what)}</span></div>" for value, what in cards]


def _verdicts(content: Content) -> list[dict[str, Any]]:
    return [found for found in (content.csim, content.cosim) if found is not None]


def _performance(content: Content) -> str:
    """The system's panels: small plots in pairs."""
    if not content.panels:
        return _absent("metrics", "levelone train")
    parts = []
    for small, group in groupby(content.panels, lambda panel: isinstance(panel, Lines | Density)):
        drawn = "".join(_panel(panel) for panel in group)
        parts.append(f"<div class=pair>{drawn}</div>" if small else drawn)
    return "".join(parts)


def _glance(content: Content) -> str:
    return "" if content.glance is None else panels.untitled(content.glance)


def _panel(panel: Panel) -> str:
    if isinstance(panel, Rows):
        return panels.table(panel)
    return _figure(panels.draw(panel), panel.caption)


def _task(content: Content) -> str:
    if not content.example_panels:
        why = "the data file is gone, or the system shows none"
        return f"<p class=soft>No examples in this run folder: {why}.</p>"
    return "".join(_panel(panel) for panel in content.example_panels)


def _curves(content: Content) -> str:
    if content.curves is None:
        return _absent("learning curves", "levelone train")
    notes = "; ".join(
        f"{LABELS[name]}: best epoch {content.curves[name]['best_epoch'] + 1} (dotted), "
        f"stopped by {content.curves[name]['stopped']}"
        for name in ("float", "quantised")
        if name in content.curves
    )
    caption = f"Training and validation loss, both measured after the epoch in evaluation mode. {notes}."
    return _figure(plots.learning_curves(content.curves), caption)


def _exactness(content: Content) -> str:
    verdicts = _verdicts(content)
    if not verdicts:
        return _absent("verdicts", "levelone run")
    parts = [
        "<p>The hardware as it was generated and built, against the exact integer reference and against the "
        "trained Brevitas module, at every layer and at the output ports: integer codes compared with "
        "<code>==</code>, no tolerance.</p>",
        hardware.four_ways(verdicts),
    ]
    for found in verdicts:
        body = "" if len(verdicts) == 1 else f"{found['bodies'][0]['title']}, "
        for part in found["sets"]:
            style = "good" if part["verdict"] == "exact" else "bad"
            against = ", ".join(part.get("against", ()))
            parts.append(
                f"<h3>{escape(body + part['name'])}: "
                f"<span class={style}>{escape(part['verdict'])}</span></h3>"
                f"<p class=soft>{part['vectors']:,} vectors; against {escape(against)}. "
                f"{escape(part.get('reason') or '')}</p>"
            )
            parts.append(tables.verdict_table(part))
    notes = dict.fromkeys(note for found in verdicts for note in found.get("notes") or ())
    parts += [f"<p class=soft>Note: {escape(note)}.</p>" for note in notes]
    return "".join(parts)


def _layers(content: Content) -> str:
    if content.project is None:
        return _absent("project", "levelone convert")
    layers = [{"op": "input", **port} for port in content.project["inputs"]] + content.project["layers"]
    fig = plots.widths(
        [layer["name"] for layer in layers],
        [layer["width"] for layer in layers],
        [layer["signed"] for layer in layers],
    )
    caption = (
        "Bits of every value. Each is the narrowest integer type that holds the exact range: "
        "what can be reached over all inputs that the ports allow."
    )
    return _figure(fig, caption) + tables.layers_table(layers, content.costs or {})


def _hardware(content: Content) -> str:
    """What the RTL takes, measured, and what the hls4ml project is estimated to take."""
    if content.cosim is None or content.rtl is None:
        parts = [
            "<p class=soft>No RTL in this run folder: a section <code>rtl</code> in the recipe, and "
            "Verilator, make it.</p>"
        ]
    else:
        parts = ["<h3>RTL</h3>", hardware.clocks(content.cosim, content.latency)]
        if (measured := content.cosim.get("occupancy")) is not None:
            drawn = hardware.beats(measured, content.cosim["clocks_per_event"])
            parts.append(_figure(drawn, hardware.beats_caption(measured)))
        parts.append(hardware.resources(content.rtl, content.synthesis))
    if content.latency is not None:
        parts += ["<h3>hls4ml project, estimated</h3>", hardware.estimate(content.latency)]
    return "".join(parts)


def _provenance(content: Content) -> str:
    parts = []
    if content.metrics is not None and "data" in content.metrics:
        parts.append("<h3>Data</h3>" + tables.pairs(content.metrics["data"]))
    if content.stages:
        rows = ((name, f"{seconds:,.1f}") for name, seconds in content.stages.items())
        parts.append("<h3>Stages</h3>" + tables.table(("stage", "seconds"), rows, numbers=(1,)))
    if content.versions:
        parts.append("<h3>Versions</h3>" + tables.pairs(content.versions))
    if content.digests:
        digests = (
            (name, tables.Raw(f"<code>{escape(value)}</code>")) for name, value in content.digests.items()
        )
        parts.append("<h3>Digests (SHA-256)</h3>" + tables.table(("file", "digest"), digests))
    parts.append(f"<h3>Recipe</h3><pre>{escape(content.recipe)}</pre>")
    return "".join(parts)

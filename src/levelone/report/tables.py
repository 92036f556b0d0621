"""The report's tables: plain functions from results to HTML text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from levelone.report.words import proof_in_words, scale_in_words


class Raw(str):
    """Text that is HTML already."""


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[int] = (), caption: str = ""
) -> str:
    """An HTML table in a box that scrolls sideways on narrow screens.

    Parameters
    ----------
    head
        Column titles.
    rows
        Cells; everything but `Raw` is escaped.
    numbers
        Indices of the columns that are set flush right.
    """
    right = set(numbers)

    def one(tag: str, column: int, cell: object) -> str:
        text = cell if isinstance(cell, Raw) else escape(str(cell))
        return f"<{tag}{' class=n' if column in right else ''}>{text}</{tag}>"

    def cells(tag: str, row: Sequence[object]) -> str:
        return "".join(one(tag, column, cell) for column, cell in enumerate(row))

    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (
        f"<div class=scroll><table>{title}<thead><tr>{cells('th', head)}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def pairs(content: Mapping[str, object]) -> str:
    """A two-column table of names and values."""
    return table(("", ""), content.items())


def layers_table(layers: Sequence[Mapping[str, Any]], costs: Mapping[str, Mapping[str, int]]) -> str:
    """Type, exact range and cost of every value in the firmware."""
    rows = []
    for layer in layers:
        cost = costs.get(layer["name"], {})
        rows.append(
            (
                Raw(f"<code>{escape(layer['name'])}</code>"),
                layer.get("op", ""),
                " × ".join(str(n) for n in layer.get("shape", ())),
                layer["width"],
                "signed" if layer["signed"] else "unsigned",
                f"{layer['lo']:,}",
                f"{layer['hi']:,}",
                scale_in_words(layer["scale"]) if layer.get("scale") else "–",
                f"{cost['multiplications']:,}" if cost else "",
                f"{cost['ebops']:,}" if cost else "",
                proof_in_words(layer.get("proof")),
            )
        )
    head = (
        "value",
        "operation",
        "shape",
        "bits",
        "sign",
        "lowest",
        "highest",
        "scale",
        "products",
        "EBOPs",
        "proof",
    )
    return table(head, rows, numbers=(3, 5, 6, 7, 8, 9))


def verdict_table(result: Mapping[str, Any]) -> str:
    """Codes compared and different at every layer and output, for one set of vectors: a column per body."""
    bodies = result["bodies"]
    rows = []
    for what, called in (("layers", ""), ("outputs", "output ")):
        for layer in result[what]:
            name = Raw(f"{called}<code>{escape(layer['name'])}</code>")
            marks = [_mark(body[what], layer["name"]) for body in bodies]
            rows.append(
                (name, f"{layer['compared']:,}", f"{layer['mismatches']:,}", layer["max_lsb"], *marks)
            )
    head = ("layer", "codes compared", "different", "largest LSB", *(body["title"] for body in bodies))
    return table(head, rows, numbers=(1, 2, 3))


def _mark(layers: Sequence[Mapping[str, Any]], name: str) -> Raw:
    """What a body made of a layer."""
    found = next((layer for layer in layers if layer["name"] == name), {"compared": 0})
    if not found["compared"]:
        return Raw("<span class=bad>not compared</span>")
    return Raw("<span class=bad>mismatch</span>" if found["mismatches"] else "<span class=good>exact</span>")

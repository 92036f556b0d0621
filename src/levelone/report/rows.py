"""A table of plain data as text, as Markdown and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from levelone.panels import Rows

_GAP = "  "


def as_text(rows: Rows) -> str:
    """Columns that line up in a fixed-width font; no line is wrapped or cut."""
    table = [rows.head, *rows.rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(rows.head))]

    def line(row: Sequence[str]) -> str:
        cells = (
            cell.rjust(width) if column in rows.numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return _GAP.join(cells).rstrip()

    lines = [line(rows.head), _GAP.join("-" * width for width in widths), *map(line, rows.rows)]
    notes = (f"({number}) {note}" for number, note in enumerate(rows.notes, 1))
    return "\n".join([*filter(None, (rows.title,)), *lines, *filter(None, (rows.caption,)), *notes])


def as_markdown(rows: Rows) -> str:
    """A table as GitHub and MkDocs understand it, its caption as a paragraph in front of it, notes behind."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    rule = line(["---:" if column in rows.numbers else "---" for column in range(len(rows.head))])
    table = "\n".join([line(rows.head), rule, *map(line, rows.rows)])
    notes = "\n".join(f"{number}. {note}" for number, note in enumerate(rows.notes, 1))
    return "\n\n".join(filter(None, (rows.caption, table, notes))) + "\n"


def as_html(rows: Rows) -> str:
    """A table that brings its own few styles, for a notebook; every cell is escaped."""

    def line(tag: str, cells: Sequence[str]) -> str:
        sides = ("right" if column in rows.numbers else "left" for column in range(len(cells)))
        return "".join(
            f"<{tag} style='text-align:{side}'>{escape(cell)}</{tag}>"
            for side, cell in zip(sides, cells, strict=True)
        )

    caption = f"<caption>{escape(rows.title)}</caption>" if rows.title else ""
    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows.rows)
    below = f"<p>{escape(rows.caption)}</p>" if rows.caption else ""
    below += notes_as_html(rows)
    return (
        f"<table>{caption}<thead><tr>{line('th', rows.head)}</tr></thead><tbody>{body}</tbody></table>{below}"
    )


def notes_as_html(rows: Rows) -> str:
    """The remarks below a table as a numbered list; nothing if there are none."""
    items = "".join(f"<li>{escape(note)}</li>" for note in rows.notes)
    return f"<ol>{items}</ol>" if items else ""

"""One table, three forms."""

from __future__ import annotations

from levelone.panels import Rows
from levelone.report.rows import as_html, as_markdown, as_text

TABLE = Rows("Title", "Below & under.", ("name", "n"), (("a|b", "1"), ("<i>", "1,000")), numbers=(1,))


def test_text_lines_up() -> None:
    lines = as_text(TABLE).splitlines()
    assert lines == ["Title", "name      n", "----  -----", "a|b       1", "<i>   1,000", "Below & under."]


def test_markdown() -> None:
    expected = "Below & under.\n\n| name | n |\n| --- | ---: |\n| a\\|b | 1 |\n| <i> | 1,000 |\n"
    assert as_markdown(TABLE) == expected


def test_html_is_escaped() -> None:
    found = as_html(TABLE)
    assert "<i>" not in found
    assert "&lt;i&gt;" in found
    assert "Below &amp; under." in found
    assert found.count("<tr>") == 3


def test_an_empty_table_is_its_head() -> None:
    assert as_text(Rows("", "", ("a", "b"), ())) == "a  b\n-  -"


def test_notes_stand_below_in_every_form() -> None:
    noted = Rows("", "", ("a",), (("– (1)",), ("– (2)",)), notes=("<first>", "second"))
    assert as_text(noted).splitlines()[-2:] == ["(1) <first>", "(2) second"]
    assert as_markdown(noted).endswith("| – (2) |\n\n1. <first>\n2. second\n")
    assert as_html(noted).endswith("</table><ol><li>&lt;first&gt;</li><li>second</li></ol>")

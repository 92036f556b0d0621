"""Links between pages lead somewhere in the repository, too; scripts/docs checks those of the site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from levelone.zoo import SYSTEMS

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("*/README.md"),
        *ROOT.glob("hls_projects/*/*.md"),
    ]
)
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)|<img src=\"([^\"]+)\"")


def links(text: str) -> list[str]:
    """Relative targets of links and pictures; what stands in code blocks does not count."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found = [match[1] or match[2] for match in LINK.finditer(text)]
    return [target for target in found if "://" not in target]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    missing = [target for target in links(page.read_text()) if not (page.parent / target).exists()]
    assert missing == []


def test_links_are_found() -> None:
    assert links('[a](b.md#c) ![p](q.svg) <img src="r.svg"> [w](https://x.org)\n```\n[no](no.md)\n```') == [
        "b.md",
        "q.svg",
        "r.svg",
    ]


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text().partition("nav:")[2]
    pages = [
        path.relative_to(ROOT / "docs") for path in ROOT.glob("docs/**/*") if path.suffix in (".md", ".ipynb")
    ]
    systems = {f"{place}{name}.md" for place in ("", "results/") for name in SYSTEMS.known}
    assert systems >= {str(page) for page in pages if page.parent.name == "results"}
    others = {str(page.with_suffix(".md")) for page in pages}
    others -= systems  # those find their place by themselves
    assert [page for page in sorted(others) if page not in navigation] == []

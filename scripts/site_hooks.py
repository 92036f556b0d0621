"""Pages that are made when the site is built: notebooks, the command line, files from outside docs/.

Pages of systems find their place in the navigation by themselves; index.md and recipe.md tell what they say.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OUTSIDE = {"benchmarks.md": "benchmarks/README.md", "changelog.md": "CHANGELOG.md"}
"""Page -> the file that it shows."""
SYSTEMS_HERE = "<!-- the site has a line for every system here -->"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Every system has a page, and one of results if a model of it is committed."""
    from levelone.zoo import SYSTEMS

    names = sorted(SYSTEMS.known)
    results = [page for page in map(results_of, names) if page]
    systems = next(tab["Systems"] for tab in config.nav or () if "Systems" in tab)
    systems[:0] = [*(f"{name}.md" for name in names), {"Results": results}]
    return config


def results_of(name: str) -> str | None:
    """The page of a system's committed model, if there is one."""
    page = f"results/{name}.md"
    return page if (ROOT / "docs" / page).is_file() else None


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages; a notebook becomes one in its place."""
    for page, source in OUTSIDE.items():
        text = re.sub(r"\]\((?:\.\./)?docs/", "](", (ROOT / source).read_text(encoding="utf-8"))
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, "command-line.md", content=command_line()))
    for file in list(files):
        if file.src_uri.endswith(".ipynb"):
            notebook = json.loads(Path(str(file.abs_src_path)).read_text(encoding="utf-8"))
            files.remove(file)
            files.append(File.generated(config, f"{file.src_uri[:-6]}.md", content=notebook_page(notebook)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links to notebooks and to files outside docs/ lead to their pages; what systems say is added."""
    from levelone.pipeline.recipe_page import render_systems

    if page.file.src_uri == "recipe.md":
        markdown += render_systems()
    if page.file.src_uri == "index.md":
        markdown = markdown.replace(SYSTEMS_HERE, systems())
    for shown, source in OUTSIDE.items():
        markdown = markdown.replace(f"](../{source}", f"]({shown}")
    return re.sub(r"(\]\([^)\s]+)\.ipynb", r"\1.md", markdown)


def systems() -> str:
    """What each is about, and its pages."""
    from levelone.zoo import SYSTEMS, find_system

    lines = []
    for name in sorted(SYSTEMS.known):
        found = results_of(name)
        pages = f"[task]({name}.md)" + (f", [results]({found})" if found else "")
        lines.append(f"- **{name}**: {find_system(name).title} ({pages})")
    return "\n".join(lines)


def command_line() -> str:
    """Every verb with its options, as ``--help`` tells them."""
    import typer
    from typer.cli import get_docs_for_click
    from typer.main import get_command

    from levelone.cli import app

    command = get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="levelone")
    text = re.sub(r"\[/?bold\]", "**", text)
    return text.replace("# `levelone`\n", "# Command line\n", 1)


def notebook_page(notebook: dict[str, Any]) -> str:
    """A notebook as Markdown, with the outputs that it holds."""
    return "\n\n".join(part for cell in notebook["cells"] for part in _cell(cell) if part.strip()) + "\n"


def _cell(cell: dict[str, Any]) -> list[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [source]
    return [f"```python\n{source}\n```", *(_output(output) for output in cell["outputs"])]


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "text/html" in data:
        return "".join(data["text/html"])
    text = "".join(output.get("text", data.get("text/plain", "")))
    return f"```text\n{text.rstrip()}\n```" if text else ""

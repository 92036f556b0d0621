"""A system in another distribution (tests/outside): installed, by reference, and moved into the tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from levelone.data.opening import READERS
from levelone.errors import LeveloneError
from levelone.plugins import Entry, Registry, foreign
from levelone.zoo import find_system

from .conftest import ROOT, Levelone

OUTSIDE = ROOT / "tests" / "outside"
PAGE = ROOT / "docs" / "adding-a-system.md"
SMALL = {
    "generate.events": 400,
    "model.channels": 2,
    "train.float_epochs": 2,
    "train.quantised_epochs": 1,
    "verify.events": 40,
    "verify.random": 20,
}
SETTINGS = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
IN_TREE = {
    "pulses/file.py": "src/levelone/data/pulses.py",
    "pulses/simulate.py": "src/levelone/simulate/pulses.py",
    "pulses/__init__.py": "src/levelone/zoo/pulses/__init__.py",
    "pulses/network.py": "src/levelone/zoo/pulses/network.py",
    "pulses/system.py": "src/levelone/zoo/pulses/system.py",
    "pulses/recipes/default.toml": "src/levelone/zoo/pulses/recipes/default.toml",
    "README.md": "docs/pulses.md",
}
"""Where the files of the outside package lie when it is a system of levelone's own."""
LISTING = [
    "tests/test_layers.py",
    "tests/app/test_imports.py",
    "tests/app/test_recipe_page.py",
    "tests/docs/test_links.py",
    "tests/docs/test_site_hooks.py",
]
"""Tests that ask something of every system or every page."""
MODULES = {"pulses.file": "levelone.data.pulses", "pulses.simulate": "levelone.simulate.pulses"}


def path_of(*folders: Path) -> dict[str, str]:
    """An environment whose modules are looked for in `folders` first."""
    known = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join([*map(str, folders), *([known] if known else [])])}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the outside package that nobody has installed."""
    return Path(shutil.copytree(OUTSIDE, tmp_path_factory.mktemp("package") / "outside"))


@pytest.fixture(scope="module")
def site(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that it is installed in."""
    folder = tmp_path_factory.mktemp("installed") / "site"
    words = ("install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, *words, str(folder), str(package)], check=True, timeout=300)
    return folder


@pytest.mark.slow
def test_installed_it_is_run_like_one_of_levelone_s_own(
    levelone: Levelone, site: Path, tmp_path: Path
) -> None:
    env = path_of(site)
    listed = json.loads(levelone("list", "--json", env=env, cwd=tmp_path).stdout)
    assert [(s["title"], s["distribution"]) for s in listed["systems"] if s["name"] == "pulses"] == [
        ("Waveforms: one pulse or two?", "levelone-pulses")
    ]
    settings = [*SETTINGS, "--set", "verify.random=120", "--set", "rtl.clock_ns=4.0"]
    done = levelone("run", "pulses", "--json", *settings, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["verdict"] == "exact"
    assert [body["verdict"] for body in result["bodies"]] == ["exact", "exact"]
    assert [stage["name"] for stage in result["stages"]] == [
        "simulate", "data", "train", "evaluate", "export", "convert", "csim", "rtl", "cosim", "report",
    ]  # fmt: skip
    folder = tmp_path / "runs" / "pulses"
    assert 'system = "pulses"' in (folder / "recipe.toml").read_text()
    assert "right answers" in (folder / "report.html").read_text()
    found = json.loads((folder / "csim.json").read_text())
    assert [part["against"] for part in found["sets"]] == [["exact reference", "trained module"]] * 3
    clocked = json.loads((folder / "cosim.json").read_text())
    assert [part["verdict"] for part in clocked["sets"]] == ["exact"] * 3
    assert [part["against"] for part in clocked["sets"]] == [["exact reference", "trained module"]] * 3
    assert {how["problem"] for how in clocked["traffic"]} == {None}
    assert (clocked["timing"]["clock_ns"], clocked["clocks_per_event"]) == (4.0, 16)
    page = (folder / "report.html").read_text()
    assert f"RTL simulation: {clocked['vectors']:,} vectors, every layer" in page
    assert "Clocks per event: 16 measured, 16 planned" in page
    assert "<th>trained module</th><th>C simulation</th><th>RTL simulation</th>" in page
    assert f"Bottleneck: {clocked['occupancy']['bottleneck']} (orange), 16 clocks per event" in page
    assert "hls4ml project, estimated" in page
    again = levelone("run", "pulses", *settings, env=env, cwd=tmp_path)
    assert again.stderr.count("skipped: up to date") == 10


@pytest.mark.slow
def test_by_reference_nothing_is_installed(levelone: Levelone, package: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = levelone("run", "pulses:SYSTEM", "--out", out, "--json", *SETTINGS, cwd=package)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "exact"
    assert 'system = "pulses:SYSTEM"' in (out / "recipe.toml").read_text()
    # the run folder and the project are opened again where the module is found, and only there
    data = ("--data", out / "events.h5", "--events", 20)
    checked = levelone("csim", out / "project", *data, "--json", cwd=package)
    assert json.loads(checked.stdout)["verdict"] == "exact"
    for words in (("report", out), ("csim", out / "project", *data)):
        lost = levelone(*words, cwd=tmp_path)
        assert lost.returncode == 2
        assert "system 'pulses:SYSTEM': there is no module pulses" in lost.stderr
        assert f"go to the folder that holds it; looked in Python's path and {tmp_path}" in lost.stderr
        assert "Traceback" not in lost.stderr


def test_a_name_or_a_key_that_is_not_there(levelone: Levelone, package: Path, tmp_path: Path) -> None:
    for words, message in (
        (("pulses:SYSTM",), "system 'pulses:SYSTM': pulses has no SYSTM\n  hint: did you mean 'SYSTEM'?"),
        (("pulses:SYSTEM", "--set", "generate.nois=1"), "unknown key generate.nois\n  hint: did you mean"),
        (("pulses:SYSTEM", "--set", "generate.noise=2"), "generate.noise = 2: input should be less than or"),
    ):
        done = levelone("simulate", *words, "-o", tmp_path / "x.h5", cwd=package)
        assert (done.returncode, list(tmp_path.iterdir())) == (2, []), done.stderr
        assert message in done.stderr


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            '{}["height"]',
            "this is a fault in {place}, not in levelone: KeyError: 'height'\n  hint: report it to",
        ),
        ("np.zeros(3)[9]", "this is a fault in {place}, not in levelone: IndexError: index 9 is out of"),
        ('provenance("pulses", None, "numpy")', "this is a fault in levelone, or in how {place} uses it;"),
    ],
)
def test_a_fault_of_the_system_is_not_called_levelone_s(
    levelone: Levelone, package: Path, tmp_path: Path, fault: str, told: str
) -> None:
    copy = Path(shutil.copytree(package / "pulses", tmp_path / "pulses"))
    file, line = copy / "simulate.py", "    rng = np.random.default_rng(options.seed)\n"
    text = file.read_text()
    number = text[: text.index(line)].count("\n") + 1
    file.write_text(text.replace(line, f"    {fault}\n{line}"))
    done = levelone("simulate", "pulses:SYSTEM", "-o", "x.h5", cwd=tmp_path)
    assert done.returncode == 2
    assert told.format(place=f"pulses.simulate ({file}, line {number})") in done.stderr
    assert "Traceback" in done.stderr
    assert not (tmp_path / "x.h5").exists()


def test_code_of_a_distribution_that_needs_levelone_is_foreign(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [foreign(name) for name in ("levelone.files", "json", "numpy.linalg", "torch", "__main__")] == [
        False
    ] * 5
    monkeypatch.syspath_prepend(str(site))
    assert foreign("pulses.system")


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Registers systems of a distribution called "others"."""

    def register(**entries: str) -> None:
        found = [Entry(name, reference, "others") for name, reference in entries.items()]
        monkeypatch.setattr(Registry, "_registered", lambda self: found if self.kind == "system" else [])

    return register


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("levelone.zoo.muon.system:Muon", "is no system: it is the class Muon"),
        ("levelone.recipe:Recipe", "is no system: it is the class"),
        ("levelone.exits:INTERRUPTED", "is no system: it is a int"),
        ("levelone.zoo.nothing:SYSTEM", "there is no module levelone.zoo.nothing"),
        ("dull", "the system registered as 'dull' calls itself 'muon'"),
        ("gone", "system 'gone' of others, nowhere:SYSTEM: there is no module nowhere"),
    ],
)
def test_what_is_no_system(offered: Callable[..., None], name: str, message: str) -> None:
    offered(dull="levelone.zoo.muon:SYSTEM", gone="nowhere:SYSTEM", muon="mine:SYSTEM")
    assert find_system("muon").name == "muon"  # levelone's own, whoever registers the name
    with pytest.raises(LeveloneError) as caught:
        find_system(name)
    assert message in str(caught.value)


def test_no_system_of_others_bears_a_name_of_levelone_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from levelone.zoo.muon.system import Muon\nSYSTEM = Muon()\n"
    (tmp_path / "my_muons.py").write_text(text + "\nclass Bad(Muon):\n    name = 'Two Words'\nBAD = Bad()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(LeveloneError, match="calls itself 'muon', a name of levelone's own"):
        find_system("my_muons:SYSTEM")
    with pytest.raises(LeveloneError, match="calls itself 'Two Words'"):
        find_system("my_muons:BAD")


def test_its_reader_is_among_the_readers(levelone: Levelone, site: Path, tmp_path: Path) -> None:
    code = (
        "from levelone.data.opening import READERS, open_events\n"
        "from levelone.zoo import find_system\n"
        "generator = find_system('pulses').generator\n"
        "generator.make('events.h5', generator.section(events=30))\n"
        "with open_events('events.h5', 'pulses') as file:\n"
        "    print(READERS.names()[-1], file.provenance['events'], file.read('test', 2)[0].shape)\n"
    )
    words = [sys.executable, "-c", code]
    env = os.environ | path_of(site)
    done = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "pulses 30 (2, 16)\n", done.stderr
    assert "pulses" not in READERS.names()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of levelone with the system as one of its own: its files, and a line in the registry."""
    folder = tmp_path_factory.mktemp("tree")
    tracked = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():  # not one that was removed since
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    for source, target in IN_TREE.items():
        text = (OUTSIDE / source).read_text()
        for old, new in MODULES.items():
            text = text.replace(f"from {old} ", f"from {new} ").replace(f'"{old}"', f'"{new}"')
        text = re.sub(r"from pulses\b", "from levelone.zoo.pulses", text)
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / target).write_text(text)
    registry = folder / "src" / "levelone" / "zoo" / "__init__.py"
    line = '        "pixelseed": "levelone.zoo.pixelseed:SYSTEM",\n'
    text = registry.read_text()
    assert line in text
    registry.write_text(text.replace(line, line + line.replace("pixelseed", "pulses")))
    return folder


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout


def python(folder: Path, *words: str) -> str:
    env = os.environ | path_of(folder / "src")
    done = subprocess.run(
        [sys.executable, *words], env=env, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_in_the_tree_it_touches_its_own_files_and_one_line(tree: Path) -> None:
    git(tree, "add", "--intent-to-add", "--all")
    changed = git(tree, "diff", "--stat=88")
    touched = set(git(tree, "diff", "--name-only").split())
    assert touched == {*IN_TREE.values(), "src/levelone/zoo/__init__.py"}
    assert git(tree, "diff", "--numstat", "src/levelone/zoo/__init__.py").split()[:2] == ["1", "0"]
    assert f"```text\n$ git diff --stat\n{changed}```" in PAGE.read_text()


def test_in_the_tree_it_is_whole(tree: Path, tmp_path: Path) -> None:
    python(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *LISTING)
    call = ("-c", "from levelone.cli import main; main()")
    made = python(tree, *call, "simulate", "pulses", "--events", "30", "-o", str(tmp_path / "x.h5"))
    assert "events: 30" in made
    listed = json.loads(python(tree, *call, "list", "--json"))["systems"]
    assert ("pulses", "levelone") in [(system["name"], system["distribution"]) for system in listed]


def test_the_page_shows_the_files_of_the_package() -> None:
    block = r"\*\*`([\w/.]+)`\*\*[^\n]*\n\n```(?:python|toml)\n(.*?)```"
    blocks = re.findall(block, PAGE.read_text(), re.DOTALL)
    shown = dict(blocks)
    files = {str(path.relative_to(OUTSIDE)) for path in OUTSIDE.rglob("*") if path.suffix in (".py", ".toml")}
    assert set(shown) == files
    for name, text in shown.items():
        assert text == (OUTSIDE / name).read_text(), name

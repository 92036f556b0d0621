"""Files appear whole or not at all, and what goes wrong is said in the system's own words."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import levelone
from levelone.errors import LONGEST_LINE, LeveloneError, listed, plain
from levelone.files import JUST_MADE_SECONDS, atomic_path, parse_json, reason, write_text

KILLED = """
import os, signal, sys
from pathlib import Path
from levelone.files import atomic_path
with atomic_path(Path(sys.argv[1])) as scratch:
    scratch.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def grow_old(folder: Path) -> None:
    past = folder.stat().st_mtime - 2 * JUST_MADE_SECONDS
    os.utime(folder, (past, past))


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    target = tmp_path / "y.npy"
    subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    (left,) = tmp_path.iterdir()
    write_text(target, "fresh")
    assert left.exists()  # it may still be about to take its lock
    grow_old(left)
    write_text(tmp_path / "other.npy", "whole")
    assert left.exists()  # of another target
    write_text(target, "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.npy", "y.npy"]
    assert target.read_text() == "whole"


def test_what_is_in_use_or_somebody_elses_stays(tmp_path: Path) -> None:
    target = tmp_path / "y"
    mine = tmp_path / ".y.settings"
    mine.mkdir()
    grow_old(mine)
    with atomic_path(target) as scratch:
        scratch.write_text("first")
        grow_old(scratch.parent)
        write_text(target, "second")
        assert scratch.parent.exists()
    assert target.read_text() == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".y.settings", "y"]


def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    write_text(tmp_path / ("n" * 255), "x")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target in ("file/project", "file/deeper/project"):
        with pytest.raises(LeveloneError, match=f"cannot write .*{target}: Not a directory"):
            write_text(tmp_path / target, "x")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "anything"), "No space left on device"),
        (
            OSError("Can't write data (time = 1\n, errno = 28, error message = 'x', buf = 0x55cf)"),
            "No space left on device",
        ),
        (
            shutil.Error([("/opt/site-packages/a", "/b", "[Errno 28] No space left on device: '/b'")]),
            "No space left on device",
        ),
        (OSError("file signature not found\nsecond line"), "file signature not found"),
    ],
)
def test_reasons_hold_no_addresses_and_no_paths(error: OSError, said: str) -> None:
    assert reason(error) == said


def test_foreign_text_in_messages_is_tamed() -> None:
    error = LeveloneError(f"node \x1b[31m{'n' * 10_000}\x07 is\nbad", hint="\x00")
    assert str(error).isprintable() is False  # line breaks are ours
    assert "".join(str(error).split("\n")).isprintable()
    assert max(map(len, str(error).splitlines())) <= LONGEST_LINE + 10
    assert str(error).startswith("node \\x1b[31mnnn")
    assert plain("a\nb\t\u202e") == "a\\nb\\t\\u202e"
    assert plain("日本 é") == "日本 é"
    assert listed(["a\n"] * 3) == "a\\n, a\\n, a\\n"
    assert listed(range(3000)).endswith("11 and 2988 more")


def test_json_that_no_parser_can_hold_is_no_json() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 100_000 + "]" * 100_000)
    assert parse_json(b'{"a": [1]}') == {"a": [1]}


def test_foreign_json_is_parsed_in_one_place() -> None:
    """Three more read what a program of levelone's own has just written."""
    source = Path(levelone.__file__).parent
    parsing = {
        p.relative_to(source).as_posix() for p in source.rglob("*.py") if "json.loads(" in p.read_text()
    }
    assert parsing == {"files.py", "hls/worker.py", "rtl/nextpnr.py", "rtl/synthesis.py"}

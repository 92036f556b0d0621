"""What reaches the terminal: one JSON object, exit codes, readable failures."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PRELUDE = """
import ctypes, errno, os, signal, subprocess, sys, time
from levelone.cli.console import one_json_object
from levelone.errors import LeveloneError
from levelone.exits import run_and_exit
libc = ctypes.CDLL(None)
"""


def script(body: str, stdout: object = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    text = PRELUDE + textwrap.dedent(body)
    return subprocess.run([sys.executable, "-c", text], stdout=stdout, stderr=subprocess.PIPE, text=True)


def test_json_alone_on_stdout_whatever_libraries_print() -> None:
    done = script(
        """
        with one_json_object(True) as emit:
            print("python print")
            libc.printf(b"C print\\n"); libc.fflush(None)
            subprocess.run(["echo", "child print"])
            os.write(1, b"raw write\\n")
            emit({"a": 1})
        """
    )
    assert json.loads(done.stdout) == {"a": 1}
    assert done.stdout.count("\n") == 1
    for noise in ("python print", "C print", "child print", "raw write"):
        assert noise in done.stderr


def test_without_json_noise_is_off_stdout_too() -> None:
    done = script(
        """
        with one_json_object(False) as emit:
            print("noise")
            emit({"a": 1})
        print("result")
        """
    )
    assert done.stdout == "result\n"


def test_failure_is_one_json_object_too() -> None:
    done = script(
        """
        def command():
            with one_json_object(True, on_error={"verdict": "not comparable"}) as emit:
                emit({"half": "done"})
                raise LeveloneError("bad file", hint="make another")
        run_and_exit(command)
        """
    )
    assert json.loads(done.stdout) == {
        "error": "bad file",
        "hint": "make another",
        "verdict": "not comparable",
    }
    assert done.stderr == "error: bad file\n  hint: make another\n"
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("raise LeveloneError('no such thing')", 2, "error: no such thing\n"),
        ("sys.exit(1)", 1, ""),
        ("pass", 0, ""),
        ("raise OSError(errno.ENOSPC, 'No space left on device', '/x/y')", 2, "error: /x/y: No space left"),
        ("raise OSError(errno.EROFS, 'Read-only file system', '/x/y')", 2, "can be written to"),
        ("raise PermissionError(errno.EACCES, 'Permission denied', '/x')", 2, "error: /x: Permission denied"),
        ("raise BrokenPipeError(errno.EPIPE, 'Broken pipe')", 0, ""),
        ("raise KeyboardInterrupt", 130, ""),
    ],
)
def test_exit_codes(body: str, code: int, said: str) -> None:
    done = script(f"def command():\n    {body}\nrun_and_exit(command)")
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_of_ours_keeps_its_traceback_and_is_never_a_mismatch() -> None:
    done = script("def command():\n    1 / 0\nrun_and_exit(command)")
    assert done.returncode == 2
    assert "ZeroDivisionError" in done.stderr
    assert "fault in levelone" in done.stderr


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_mismatch(streams: str, tmp_path: Path) -> None:
    body = """
    def command():
        with one_json_object(True) as emit:
            print("noise")
            emit({"a": 1})
        print("text")
        with open(sys.argv[1], "w") as file:
            file.write("done")
        raise LeveloneError("as it should be")
    run_and_exit(command)
    """
    (tmp_path / "script.py").write_text(PRELUDE + textwrap.dedent(body))
    words = f"{sys.executable} script.py done {streams}"
    done = subprocess.run(words, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert (tmp_path / "done").read_text() == "done"
    assert done.stderr == ("" if "2>&-" in streams else "noise\nerror: as it should be\n")


def test_termination_leaves_nothing_behind(tmp_path: Path) -> None:
    done = script(
        f"""
        from pathlib import Path
        from levelone.files import atomic_path
        def command():
            with atomic_path(Path({str(tmp_path)!r}) / "y.npy") as scratch:
                scratch.write_text("half")
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(10)
        run_and_exit(command)
        """
    )
    assert done.returncode == 143
    assert "interrupted; nothing half-written is left" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reaction", ["raise", "sys.exit(1)", "return"])
def test_interrupt_is_130_whatever_a_library_makes_of_it(reaction: str) -> None:
    done = script(
        f"""
        def command():
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(10)
            except KeyboardInterrupt:
                {reaction}
        run_and_exit(command)
        """
    )
    # A library that swallowed the interrupt and finished its work has not been interrupted.
    assert done.returncode == (0 if reaction == "return" else 130)
    assert "Traceback" not in done.stderr


def test_full_standard_output_is_one_message() -> None:
    with Path("/dev/full").open("w") as full:
        done = script(
            """
            def command():
                with one_json_object(True) as emit:
                    emit({"a": 1})
            run_and_exit(command)
            """,
            stdout=full,
        )
        plain = script("run_and_exit(lambda: print('x' * 10))", stdout=full)
    for result in (done, plain):
        assert result.returncode == 2
        assert result.stderr.count("No space left on device") == 1
        assert "Traceback" not in result.stderr
        assert "Exception ignored" not in result.stderr

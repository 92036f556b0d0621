import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from levelone.errors import LeveloneError
from levelone.graph import Graph, execute
from levelone.hardware.body import OutOfStepError
from levelone.hls import Manifest, build, find_compiler, run, run_chunks
from levelone.hls import compile as compile_module
from levelone.hls import csim as csim_module
from levelone.verify import Outcome, check_project, random_vectors

slow = pytest.mark.slow


@slow
def test_every_layer_comes_back_in_order_and_equal(project: Manifest, network: Graph) -> None:
    codes = random_vectors(network, 150, seed=2)
    found = run(build(project.project), codes, workers=2)
    reference = execute(network, codes)
    assert list(found) == [node.name for node in network]
    for name, codes_found in found.items():
        assert codes_found.dtype == np.int64
        assert (codes_found == reference[name]).all(), name


@slow
@pytest.mark.parametrize("workers", [1, 3])
def test_chunks_are_in_order_and_bounded(
    project: Manifest, network: Graph, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csim_module, "_CHUNK_BYTES", 40_000)
    codes = random_vectors(network, 70, seed=3)
    chunks = list(run_chunks(build(project.project), codes, workers=workers))
    assert len(chunks) > workers
    assert [c.events.start for c in chunks[1:]] == [c.events.stop for c in chunks[:-1]]
    assert chunks[-1].events.stop == 70
    whole = np.concatenate([c.found["logit"] for c in chunks])
    assert (whole == execute(network, codes)["logit"]).all()


@slow
def test_the_same_sources_are_compiled_once_and_edited_ones_again(project: Manifest, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project.project, copy)
    first = build(copy)
    assert (
        first.reused and first.build_seconds < 1
    )  # the copy carries the cache along: content decides, not place
    header = copy / "firmware/weights/logit_bias.h"
    header.write_text(header.read_text().replace("= {", "= { "))
    second = build(copy)
    assert not second.reused and second.library != first.library
    assert build(copy).reused
    assert not first.library.exists()  # one build is kept


@slow
def test_sources_that_change_while_they_are_compiled(
    fresh: Manifest, network: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library is made of what was digested: nothing stale is found under the key of other sources."""
    header = fresh.project / "firmware/weights/logit_bias.h"
    clean = header.read_text()
    numbers = clean[clean.index("{") : clean.index("}")]
    faulty = clean.replace(numbers, "{" + ", ".join(["64"] * (numbers.count(",") + 1)))
    codes = random_vectors(network, 10, seed=1)
    really = compile_module._compile

    def meanwhile(*arguments: Any) -> Path:
        header.write_text(clean)  # repaired while the compiler starts
        return really(*arguments)

    header.write_text(faulty)
    with monkeypatch.context() as patch:
        patch.setattr(compile_module, "_compile", meanwhile)
        built = build(fresh.project)
    assert (run(built, codes)["logit"] != execute(network, codes)["logit"]).all()
    sources = json.loads(built.library.with_name("sources.json").read_text())
    assert sources["firmware/weights/logit_bias.h"] == hashlib.sha256(faulty.encode()).hexdigest()
    repaired = build(fresh.project)
    assert not repaired.reused and repaired.library != built.library
    assert (run(repaired, codes)["logit"] == execute(network, codes)["logit"]).all()
    header.write_text(faulty)
    again = build(fresh.project)
    assert again.library == built.library


@slow
@pytest.mark.parametrize(
    ("statement", "message"),
    [("abort();", "SIGABRT"), ("exit(3);", "exit status 3"), ("__builtin_trap();", "SIGILL")],
)
def test_a_crash_is_an_error_not_the_end(
    fresh: Manifest, network: Graph, statement: str, message: str
) -> None:
    top = fresh.project / "firmware/myproject.cpp"
    top.write_text(top.read_text().replace("    nnet::relu<", f"    {statement} nnet::relu<", 1))
    with pytest.raises(LeveloneError, match=rf"simulation of tiny crashed \({message}"):
        run(build(fresh.project), random_vectors(network, 5, seed=1))


@slow
def test_a_stream_out_of_step_is_reported_even_if_all_numbers_are_right(
    network: Graph, tmp_path: Path
) -> None:
    from levelone.hls import HlsConfig, convert

    manifest = convert(network, tmp_path / "tiny", HlsConfig(io="stream"))
    top = manifest.project / "firmware/myproject.cpp"
    text = top.read_text()
    at = text.rindex("}")
    top.write_text(text[:at] + "    act2.write(act2_t());\n" + text[at:])
    codes = random_vectors(network, 5, seed=1)
    with pytest.raises(
        OutOfStepError, match="out of step: WARNING: Hls::stream 'act2' contains leftover data"
    ):
        run(build(manifest.project), codes)
    check = check_project(manifest.project, codes, graph=network)
    assert check.outcome is Outcome.NOT_COMPARABLE
    assert "out of step" in check.verdict.reason


@slow
def test_firmware_that_does_not_compile(fresh: Manifest) -> None:
    top = fresh.project / "firmware/myproject.cpp"
    top.write_text(top.read_text().replace("nnet::relu<", "nnet::rulu<", 1))
    with pytest.raises(LeveloneError, match=r"tiny does not compile:\n.*rulu"):
        build(fresh.project)
    assert not (fresh.project / "build").exists() or not list((fresh.project / "build").rglob("*.so"))


@slow
def test_a_finer_grid_is_refused_by_run_and_a_mismatch_for_the_check(fresh: Manifest, network: Graph) -> None:
    defines = fresh.project / "firmware/defines.h"
    text = defines.read_text()
    old = next(line for line in text.splitlines() if line.endswith(" act2_t;"))
    width, integer = (int(n) for n in old[old.index("<") + 1 :].split(",")[:2])
    defines.write_text(text.replace(old, f"typedef ap_ufixed<{width + 3},{integer}> act2_t;"))
    codes = random_vectors(network, 40, seed=1)
    with pytest.raises(LeveloneError, match="act2: the C simulation gives numbers between the integers"):
        run(build(fresh.project), codes)
    check = check_project(fresh.project, codes, graph=network)
    assert check.outcome is Outcome.MISMATCH
    assert check.verdict.first_mismatch is not None and check.verdict.first_mismatch.layer == "act2"


def test_inputs_are_checked_before_anything_runs(fresh: Manifest, network: Graph) -> None:
    codes = random_vectors(network, 4, seed=1)
    ports = fresh.inputs
    check = csim_module.check_inputs
    with pytest.raises(LeveloneError, match=r"inputs \['images_q'\] given"):
        check(ports, {"images_q": codes["images_q"]})
    with pytest.raises(LeveloneError, match=r"features_q: shape \[3\], expected \[4\]"):
        check(ports, codes | {"features_q": codes["features_q"][:, :3]})
    with pytest.raises(LeveloneError, match="features_q: float64, expected integer codes"):
        check(ports, codes | {"features_q": codes["features_q"].astype(float)})
    with pytest.raises(LeveloneError, match="same, non-zero number of events"):
        check(ports, codes | {"features_q": codes["features_q"][:2]})
    with pytest.raises(LeveloneError, match="same, non-zero number of events"):
        check(ports, {name: found[:0] for name, found in codes.items()})


def test_no_compiler(fresh: Manifest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LEVELONE_CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LeveloneError, match=r"no C\+\+ compiler: g\+\+ on the PATH was not found") as caught:
        build(fresh.project)
    assert caught.value.hint is not None and "LEVELONE_CXX" in caught.value.hint
    assert not (fresh.project / "build").exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("exit 1", "does not run"),
        ("echo hello", "no version number"),
        ("echo 'g++ (Old 4.8.1-2) 4.8.5'", "is version 4.8.5, csim needs at least 9.0"),
    ],
)
def test_unfit_compilers(body: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "cxx"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    monkeypatch.setenv("LEVELONE_CXX", str(script))
    with pytest.raises(LeveloneError, match=message):
        find_compiler()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("printf '\\377 error: caf\\351\\n' >&2; exit 1", "tiny does not compile:\n\ufffd error: caf\ufffd"),
        ("kill -9 $$", "was ended by SIGKILL while compiling tiny"),
        ("exit 0", "ended without an error and without "),
    ],
)
def test_compilers_that_fail(
    body: str, message: str, fresh: Manifest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "cxx"
    version = "printf 'g++ 12.2.0 \\377\\n'; exit 0"
    script.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then {version}; fi\n{body}\n')
    script.chmod(0o755)
    monkeypatch.setenv("LEVELONE_CXX", str(script))
    with pytest.raises(LeveloneError, match=message) as caught:
        build(fresh.project)
    assert ("edited by hand" in str(caught.value.hint)) == ("compile:" in message)
    assert not list(fresh.project.rglob("*.so"))


def test_further_flags_are_the_user_s_and_part_of_what_is_built(
    fresh: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVELONE_CXXFLAGS", "-O0 -D'OF_TWO=a b'")
    assert find_compiler().flags == ("-O0", "-DOF_TWO=a b")
    monkeypatch.setenv("LEVELONE_CXXFLAGS", "-include no-such-file.h")
    with pytest.raises(LeveloneError, match=r"no-such-file\.h"):
        build(fresh.project)
    monkeypatch.setenv("LEVELONE_CXXFLAGS", "-D'OPEN")
    with pytest.raises(LeveloneError, match=r"LEVELONE_CXXFLAGS=.*quot"):
        find_compiler()


def test_the_override_names_the_missing_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVELONE_CXX", "no-such-compiler")
    with pytest.raises(LeveloneError, match="LEVELONE_CXX=no-such-compiler was not found"):
        find_compiler()


def test_not_a_project(tmp_path: Path) -> None:
    with pytest.raises(LeveloneError, match=r"is not a levelone project: there is no levelone\.json"):
        build(tmp_path)
    (tmp_path / "levelone.json").write_text("[1]")
    with pytest.raises(LeveloneError, match="schema is not 'levelone-project'"):
        build(tmp_path)
    (tmp_path / "levelone.json").write_text('{"schema": "levelone-project", "version": 99}')
    with pytest.raises(LeveloneError, match="version 99, this levelone reads version 4"):
        build(tmp_path)
    (tmp_path / "levelone.json").write_text('{"schema": "levelone-project", "version": 4}')
    with pytest.raises(LeveloneError, match=r"levelone\.json is damaged: project: Field required"):
        build(tmp_path)
    for text in ("{", "[" * 100_000):
        (tmp_path / "levelone.json").write_text(text)
        with pytest.raises(LeveloneError, match=r"levelone\.json cannot be read"):
            build(tmp_path)


def test_an_incomplete_project(fresh: Manifest) -> None:
    (fresh.project / "myproject_bridge.cpp").unlink()
    with pytest.raises(LeveloneError, match=r"is incomplete: myproject_bridge\.cpp is missing"):
        build(fresh.project)

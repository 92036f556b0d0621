"""`levelone emulate`: kinds of files, chunks, bounded memory, and inputs that cannot be used."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from levelone.errors import LeveloneError
from levelone.graph import execute, quantise_inputs, read_qonnx
from levelone.pipeline import arrays as written
from levelone.pipeline import emulation
from levelone.pipeline.emulation import emulate_files

MODEL = Path(__file__).parents[2] / "hls_projects" / "pixelseed" / "model.onnx"
PROGRAM = [str(Path(os.sys.executable).with_name("levelone")), "emulate", str(MODEL)]
# The peak memory of a process counts that of the one it was forked from: a small one stands between.
MEASURE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
EVENTS = 700
GRAPH = read_qonnx(MODEL)


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    images = rng.random((EVENTS, 2, 4, 16), np.float32) * 20
    pair = np.eye(21)[rng.integers(0, 21, EVENTS)]
    return {"images": images, "features": rng.normal(size=(EVENTS, 35)), "pair": pair}


@pytest.fixture(scope="module")
def codes(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    graph = GRAPH
    return execute(graph, quantise_inputs(graph, arrays))


def saved(folder: Path, arrays: dict[str, np.ndarray], kind: str) -> list[str]:
    """The arrays as files of one kind, and the ``--input`` words for them."""
    if kind == "npy":
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        return [f"{name}={folder / name}.npy" for name in arrays]
    if kind == "npz":
        np.savez_compressed(folder / "in.npz", **arrays)
        return [str(folder / "in.npz")]
    with h5py.File(folder / "in.h5", "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, chunks=(64, *array.shape[1:]), compression="gzip")
    return [str(folder / "in.h5")]


def read(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".npy":
        return {"logit": np.load(path)}
    if path.suffix == ".npz":
        with np.load(path) as file:
            return dict(file)
    with h5py.File(path) as file:
        return {name: file[name][:] for name in file}


@pytest.mark.parametrize("kind", ["npy", "npz", "h5"])
@pytest.mark.parametrize("result", ["y.npy", "y.npz", "y.h5"])
@pytest.mark.parametrize("memory", [2**27, 2**20])  # one chunk, many chunks
def test_every_kind_of_file(tmp_path, monkeypatch, arrays, codes, kind, result, memory) -> None:
    monkeypatch.setattr(emulation, "MEMORY_BYTES", memory)
    target = tmp_path / "out" / result
    told = emulate_files(GRAPH, saved(tmp_path, arrays, kind), target, codes=True)
    assert told["events"] == EVENTS
    assert told["outputs"] == {"logit": [EVENTS, 1]}
    found = read(target)
    assert list(found) == ["logit"]
    assert found["logit"].dtype == np.int64
    assert (found["logit"] == codes["logit"]).all()
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("result", ["y.npz", "y.h5"])
def test_every_layer_as_real_numbers(tmp_path, monkeypatch, arrays, codes, result) -> None:
    monkeypatch.setattr(emulation, "MEMORY_BYTES", 2**22)
    graph = GRAPH
    emulate_files(GRAPH, saved(tmp_path, arrays, "h5"), tmp_path / result, every=True)
    found = read(tmp_path / result)
    assert set(found) == set(graph.values)
    conv1 = np.moveaxis(codes["conv1"], -1, 1) * float(graph.values["conv1"].scale[0])
    assert (found["conv1"] == conv1).all()
    assert (found["logit"] == codes["logit"] * float(graph.values["logit"].scale[0])).all()


def test_progress_counts_events(tmp_path, monkeypatch, arrays) -> None:
    monkeypatch.setattr(emulation, "MEMORY_BYTES", 2**20)
    seen: list[int] = []

    class Watch:
        def __init__(self, total: int) -> None:
            seen.append(total)

        def __enter__(self):
            return seen.append

        def __exit__(self, *_: object) -> None: ...

    emulate_files(GRAPH, saved(tmp_path, arrays, "npy"), tmp_path / "y.npy", watch=Watch)
    assert seen[0] == seen[-1] == EVENTS
    assert len(seen) > 3
    assert seen[1:] == sorted(seen[1:])


def test_what_saturates_is_counted_over_all_parts(tmp_path, monkeypatch, arrays, codes) -> None:
    monkeypatch.setattr(emulation, "MEMORY_BYTES", 2**20)
    arrays = {name: array * 20 for name, array in arrays.items()}
    told = emulate_files(GRAPH, saved(tmp_path, arrays, "npy"), tmp_path / "y.npy")
    ports = {port["input"]: port for port in told["ports"]}
    assert [port["events"] for port in ports.values()] == [EVENTS] * 3
    for port in GRAPH.inputs:
        of = ports[port.source]
        beyond = (arrays[port.source] > of["high"] + of["step"]) | (
            arrays[port.source] < of["low"] - of["step"]
        )
        assert of["values"] == beyond.size
        assert 0 < np.count_nonzero(beyond) <= of["saturated"]
    assert len(told["notes"]) == 3
    assert told["warnings"] == []


def test_no_events_at_all(tmp_path, arrays) -> None:
    words = saved(tmp_path, {name: array[:0] for name, array in arrays.items()}, "npy")
    emulate_files(GRAPH, words, tmp_path / "y.npy")
    assert np.load(tmp_path / "y.npy").shape == (0, 1)


def _break(folder: Path, arrays: dict[str, np.ndarray], fault: str) -> list[str]:
    arrays = {name: array.copy() for name, array in arrays.items()}
    if fault == "nan":
        arrays["features"][EVENTS - 2, 7] = np.nan
    if fault == "too large":
        arrays["features"][EVENTS - 1, 3] = 1e300
    if fault == "events":
        arrays["features"] = arrays["features"][:-1]
    if fault == "shape":
        arrays["images"] = arrays["images"][:, :1]
    if fault == "text":
        arrays["features"] = np.full((EVENTS, 35), "x")
    if fault == "missing":
        del arrays["features"]
    if fault == "unknown":
        arrays["other"] = arrays["features"]
    words = saved(folder, arrays, "npy")
    file = folder / "images.npy"
    if fault == "truncated":
        os.truncate(file, file.stat().st_size - 1)
    if fault == "two arrays":
        with file.open("ab") as stream:
            np.save(stream, arrays["images"])
    if fault == "garbage":
        file.write_bytes(b"not an array at all")
    if fault == "pickle":
        np.save(file, np.array([{}] * EVENTS, dtype=object))
    if fault == "columns":
        np.save(file, np.asfortranarray(arrays["images"]))
    if fault == "no file":
        file.unlink()
    if fault == "fifo":
        file.unlink()
        os.mkfifo(file)
    if fault == "unclear":
        words = [str(file)]
    if fault in ("external", "virtual"):
        path = folder / "in.h5"
        (folder / "raw").write_bytes(arrays["features"].tobytes())
        with h5py.File(path, "w") as handle:
            handle["images"] = arrays["images"]
            if fault == "external":
                raw = [(str(folder / "raw"), 0, arrays["features"].nbytes)]
                handle.create_dataset("features", arrays["features"].shape, "f8", external=raw)
            else:
                handle.create_virtual_dataset("features", h5py.VirtualLayout((EVENTS, 35), "f4"))
        words = [str(path)]
    if fault in ("encrypted", "unknown method"):
        (word,) = saved(folder, arrays, "npz")
        content = bytearray(Path(word).read_bytes())
        central = content.index(b"PK\x01\x02")
        flag, method = (6, 8), (8, 10)  # places in the two headers of the first file
        for at, shift in zip((0, central), flag if fault == "encrypted" else method, strict=True):
            content[at + shift] = 1 if fault == "encrypted" else 99
        Path(word).write_bytes(content)
        words = [word]
    if fault == "endless":
        path = folder / "in.h5"
        with h5py.File(path, "w") as handle:
            for name, array in arrays.items():
                handle.create_dataset(name, (10**14, *array.shape[1:]), "f4", chunks=(64, *array.shape[1:]))
        words = [str(path)]
    if fault == "damaged zip":
        (word,) = saved(folder, arrays, "npz")
        os.truncate(word, Path(word).stat().st_size // 2)
        words = [word]
    return words


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("nan", r"input 'features': nan in event 698 at \(7,\)"),
        ("too large", r"input 'features': 1e\+300 in event 699 at \(3,\)"),
        ("events", "different numbers of events .images: 700, features: 699, pair: 700"),
        ("shape", r"input 'images': shape \(700, 1, 4, 16\), expected \(events, 2, 4, 16\)"),
        ("text", "input 'features': numbers expected, found dtype <U1"),
        ("missing", r"'features' is missing\n  hint: --input features=FILE, real numbers .* \(events, 35\)"),
        ("unknown", "no input is called 'other'; the graph has features, images, pair"),
        ("truncated", r"images.npy: not a readable .npy file: the file ends too early"),
        ("two arrays", r"images.npy: .* goes on after its array of shape \(700, 2, 4, 16\): save one"),
        ("garbage", "images.npy: not a readable .npy file"),
        ("pickle", "Python objects, not numbers"),
        ("columns", "stored by columns"),
        ("no file", "images.npy: not a readable .npy file: No such file"),
        ("fifo", "images.npy: not a readable .npy file: it is not a regular file"),
        ("unclear", "the model has inputs images, features, pair; which one is this"),
        ("external", "in.h5: dataset 'features' keeps its numbers in other files"),
        ("virtual", "in.h5: dataset 'features' keeps its numbers in other files"),
        ("encrypted", "in.npz: not a readable .npz file: .*encrypted"),
        ("unknown method", "in.npz: not a readable .npz file: .*compression method"),
        ("endless", r"in.h5: dataset 'features' has shape .*, but [\d,]+ bytes were never written"),
        ("damaged zip", "in.npz: not a readable .npz file"),
    ],
)
def test_inputs_that_cannot_be_used(tmp_path, monkeypatch, arrays, fault, message) -> None:
    """Found out late or early: one message, and nothing half written."""
    monkeypatch.setattr(emulation, "MEMORY_BYTES", 2**20)
    words = _break(tmp_path, arrays, fault)
    (tmp_path / "out").mkdir()
    with pytest.raises(LeveloneError, match=message):
        emulate_files(GRAPH, words, tmp_path / "out" / "y.npy")
    assert list((tmp_path / "out").iterdir()) == []


def test_names_of_outputs(tmp_path, arrays) -> None:
    words = saved(tmp_path, arrays, "npy")
    with pytest.raises(LeveloneError, match=r"y.txt: expected a name that ends in .h5, .hdf5, .npy, .npz"):
        emulate_files(GRAPH, words, tmp_path / "y.txt")
    with pytest.raises(LeveloneError, match=r"y.npy: expected a name that ends in .h5, .hdf5, .npz"):
        emulate_files(GRAPH, words, tmp_path / "y.npy", every=True)


def test_the_command_refuses_with_one_message(tmp_path, arrays) -> None:
    words = [w for word in _break(tmp_path, arrays, "nan") for w in ("--input", word)]
    done = subprocess.run(
        [*PROGRAM, *words, "-o", tmp_path / "y.npy", "--json"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "event 698" in json.loads(done.stdout)["error"]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "y.npy").exists()


def test_more_than_the_disk_has_is_not_computed(tmp_path, monkeypatch, arrays) -> None:
    monkeypatch.setattr(written.shutil, "disk_usage", lambda _: SimpleNamespace(free=5599))
    with pytest.raises(LeveloneError, match=r"cannot write .*y.npy: 0.0 GB are needed, 0.0 GB are free"):
        emulate_files(GRAPH, saved(tmp_path, arrays, "npy"), tmp_path / "out" / "y.npy")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("result", ["y.npy", "y.npz", "y.h5"])
def test_a_full_disk_leaves_nothing(tmp_path, arrays, result) -> None:
    words = [w for word in saved(tmp_path, arrays, "npy") for w in ("--input", word)]
    (tmp_path / "out").mkdir()
    every = [] if result == "y.npy" else ["--all"]
    done = subprocess.run(
        [*PROGRAM, *words, "-o", tmp_path / "out" / result, *every],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)),
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert result in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path) -> None:
    """Inputs larger than the memory that the process ever holds; files of zeros take no room on the disk."""
    events = 1_200_000
    sizes = {"images": (2, 4, 16), "features": (35,), "pair": (21,)}
    total = 0
    for name, shape in sizes.items():
        with (tmp_path / f"{name}.npy").open("wb") as stream:
            header = {"descr": "<f4", "fortran_order": False, "shape": (events, *shape)}
            np.lib.format.write_array_header_1_0(stream, header)
            total += (size := 4 * events * int(np.prod(shape)))
            stream.truncate(stream.tell() + size)
    words = [w for name in sizes for w in ("--input", f"{name}={tmp_path / name}.npy")]
    measured = subprocess.run(
        [os.sys.executable, "-c", MEASURE, *PROGRAM, *words, "-o", tmp_path / "y.npy"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    peak = 1024 * int(measured.stdout.split()[-1])
    found = np.load(tmp_path / "y.npy")
    assert found.shape == (events, 1)
    assert (found == found[0]).all()
    assert peak < 0.8 * total, f"{peak / 2**20:.0f} MiB for {total / 2**20:.0f} MiB"


def test_what_is_left_to_the_host_is_said(tmp_path) -> None:
    import onnx
    from onnx_models import Model

    m = Model(x=(3,))
    onnx.save(m.build(m.add("Softmax", m.quant("x", 0.25, 4))), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.zeros((2, 3), np.float32))
    graph, inputs = read_qonnx(tmp_path / "m.onnx"), [str(tmp_path / "x.npy")]
    assert emulate_files(graph, inputs, tmp_path / "y.npy")["left_off"] == []
    assert (np.load(tmp_path / "y.npy") == np.float64(np.float32(1) / np.float32(3))).all()
    found = emulate_files(graph, inputs, tmp_path / "y.npy", codes=True)
    assert ["Softmax" in line for line in found["left_off"]] == [True]


@pytest.mark.parametrize("kind", [".npz", ".h5"])
def test_outputs_are_found_under_the_names_of_the_file(kind: str, tmp_path) -> None:
    import h5py
    from onnx_models import Model

    m = Model(x=(3,))
    x = m.quant("x", 0.25, 4)
    graph = read_qonnx(
        m.build(m.add("Neg", x, out="/head/out:0"), m.add("Mul", x, np.float32(0.5), out="20"))
    )
    np.save(tmp_path / "x.npy", np.ones((2, 3), np.float32))
    emulate_files(graph, [str(tmp_path / "x.npy")], tmp_path / f"y{kind}")
    opened = np.load(tmp_path / "y.npz") if kind == ".npz" else h5py.File(tmp_path / "y.h5")
    with opened as arrays:
        assert (arrays["/head/out:0"][:] == -1).all() and (arrays["20"][:] == 0.5).all()


@pytest.mark.parametrize("json_too", [True, False])
def test_a_declared_port_that_changes_numbers_is_warned_of(tmp_path, json_too) -> None:
    """Even beside --json, on standard error."""
    import onnx
    from onnx_models import Model
    from typer.testing import CliRunner

    from levelone.cli import app

    m = Model(x=(3,))
    onnx.save(m.build(m.add("MatMul", "x", m.weight(np.eye(3), 0.5))), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.float32([[20, 60, -300.5]]))
    words = ["--port", "x=fixed<16,6>", "--input", str(tmp_path / "x.npy"), "-o", str(tmp_path / "y.npy")]
    done = CliRunner().invoke(app, ["emulate", str(tmp_path / "m.onnx"), *words, *["--json"] * json_too])
    assert done.exit_code == 0
    assert done.stderr.strip() == (
        "warning: input 'x': 2 of 3 values, from -300.5 to 60, saturate at its declared port, which holds "
        "-32 to 31.999 in steps of 2^-10"
    )

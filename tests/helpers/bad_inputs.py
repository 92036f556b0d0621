"""Bad inputs of every kind; as a program, what is said of them in the current folder, as JSON."""

from __future__ import annotations

import json
import random
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import onnx
from onnx_models import Model, weights
from typer.testing import CliRunner

MODEL = Path(__file__).parents[2] / "hls_projects" / "pixelseed" / "model.onnx"
RECIPE = """
system = "pixelseed"
epochs = 3
batches = 2
[train]
float_epoch = 1
quantised_epoch = 1
batch_size = -1
[hls]
io = "both"
clock = 3
"""


def damaged_models() -> Iterator[tuple[str, onnx.ModelProto]]:
    """The committed network with one thing wrong, or several at once."""
    whole = onnx.load(MODEL)
    rng = random.Random(7)
    for number in range(60):
        model = onnx.ModelProto()
        model.CopyFrom(whole)
        for _ in range(rng.choice((1, 1, 3))):
            node = rng.choice(model.graph.node)
            match rng.randrange(5):
                case 0:
                    node.op_type = rng.choice(("Foo", "LSTM", "Sin", "Where", "TopK", "RandomNormal"))
                case 1:
                    model.graph.initializer.remove(rng.choice(model.graph.initializer))
                case 2:
                    node.input[rng.randrange(len(node.input))] = rng.choice(model.graph.node).output[0]
                case 3:
                    model.graph.node.remove(node)
                case 4:
                    node.attribute.append(onnx.helper.make_attribute("axis", 99))
        yield f"damaged {number}", model


def small_models() -> Iterator[tuple[str, onnx.ModelProto]]:
    def bare(m: Model) -> None:
        first, second = (m.add("MatMul", name, m.weight(weights(4, 3), 0.25)) for name in ("x", "z"))
        m.add("Add", first, second, out="y")

    def two_ports(m: Model) -> None:
        m.add("Add", m.quant("x", 0.25, 4), m.quant("z", 0.3, 4), out="y")

    def loop(m: Model) -> None:
        m.add("Add", m.quant("x", 0.25, 4), "b", out="a")
        m.add("Relu", "a", out="b")
        m.add("Add", "b", "z", out="y")

    def foreign(m: Model) -> None:
        m.add("Exotic", "x", domain="some.where", out="a", beta=1, alpha=[2, 3])
        m.add("Exotic", "z", domain="else.where", out="b")
        m.add("Add", "a", m.quant("b", 0.25, 4), out="y")

    for make in (bare, two_ports, loop, foreign):
        m = Model(x=(4,), z=(4,))
        make(m)
        yield make.__name__, m.build("y", "nowhere") if make is foreign else m.build("y")


def files() -> None:
    """Everything that the commands below are given, in the current folder."""
    for name, model in (*damaged_models(), *small_models()):
        Path(f"{name}.onnx").write_bytes(model.SerializeToString())
    arrays = {name: np.zeros((2, 4)) for name in ("one", "two", "three", "four")}
    np.savez("in.npz", **arrays)
    np.save("x.npy", np.zeros((2, 5)))
    np.save("objects.npy", np.array([{"a"}, object()], dtype=object))
    Path("recipe.toml").write_text(RECIPE)
    Path("garbage.onnx").write_bytes(b"\x08\x99nonsense" * 9)
    Path("empty.h5").write_bytes(b"")
    with h5py.File("foreign.h5", "w") as file:
        file["numbers"] = np.zeros(3)
        file.attrs["schema"] = "levelone-voxels"
        file.attrs["version"] = 1
    for name, kind in (("frame", "frame"), ("two/a", "frame"), ("two/b", "frame")):
        with h5py.File(f"{name.split('/')[0]}.h5", "a") as file:
            group = file.create_group(name)
            group.attrs.update({"pandas_type": kind, "nblocks": 1})
            group["block0_items"] = np.array([b"evt", b"inX", b"outPix7"])
            group["block0_values"] = np.zeros((4, 3))
    for name, document in {
        "nobody": {"schema": "levelone-project", "version": 4, "body": "nobody"},
        "unknown": {"schema": "levelone-project", "version": 4, "body": "hls", "c": 1, "b": 2, "a": 3},
        "newer": {"schema": "levelone-project", "version": 99},
        "list": [1, 2],
    }.items():
        Path(name).mkdir()
        (Path(name) / "levelone.json").write_text(json.dumps(document))


def commands() -> Iterator[tuple[str, ...]]:
    """What is asked for, in the folder of `files`."""
    for path in sorted(Path().glob("*.onnx")):
        yield ("inspect", str(path))
    emulate = ("emulate", str(MODEL), "-o", "y.npy", "--input")
    for given in ("in.npz", "x.npy", "images=x.npy", "absent=in.npz", "images=objects.npy", "foreign.h5"):
        yield (*emulate, given)
    ports = ("inspect", "bare.onnx", "--port")
    for port in ("x", "x=int99", "w=int8", "x=float"):
        yield (*ports, port)
    for folder in ("nobody", "unknown", "newer", "list", "absent"):
        yield ("csim", folder, "--vectors", "1")
        yield ("diff", folder)
    for system in ("pixelsed", "no.module:NAME", "json:NAME", "json:dumps"):
        yield ("run", system, "--out", "run")
    for data in ("empty.h5", "foreign.h5", "absent.h5", "frame.h5", "two.h5"):
        yield ("run", "pixelseed", "--data", data, "--out", "run")
        yield ("run", "muon", "--data", data, "--out", "run")
    yield ("run", "pixelseed", "--recipe", "recipe.toml", "--out", "run")
    for word in (
        "train.epochs=1",
        "nothing=1",
        "hls.io=x",
        "quant.layers.no.weight=3",
        "model=[1",
        "seed={}",
    ):
        yield ("run", "pixelseed", "--set", word, "--out", "run")
    yield ("convert", str(MODEL), "-o", "p", "--reuse-layer", "no=2", "--strategy-layer", "neither=latency")
    yield ("convert", str(MODEL), "-o", "p", "--body", "nobody")
    yield ("rtl", str(MODEL), "-o", "p", "--clocks", "-1")


def messages() -> dict[str, str]:
    """What each command says: the exit code, standard error, or the one exception."""
    from levelone.cli import app

    files()
    told: dict[str, str] = {}
    for words in commands():
        done = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, list(words))
        said = f"{done.exit_code} {type(done.exception).__name__} {done.exception} {done.stderr}"
        # where the user stands and what the user wrote may be said
        told[" ".join(words)] = said.replace(str(MODEL), "MODEL").replace(str(Path.cwd()), "HERE")
    return told


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.stdout.write("\n" + json.dumps(messages()) + "\n")

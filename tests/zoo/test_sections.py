"""Recipe sections that systems share: the grid behind a convolution, and sizes that are refused."""

from __future__ import annotations

import itertools

import pytest
import torch

from levelone.errors import LeveloneError
from levelone.zoo import SYSTEMS, find_system
from levelone.zoo.kit.sections import Carried, Convolution, check_convolution, check_dense
from levelone.zoo.kit.system import System

KERNELS, STRIDES, PADDINGS = (1, 2, 5), (1, 3), (0, 1)


def test_the_grid_behind_a_convolution_is_torch_s() -> None:
    grid = (7, 9)
    for kernel, stride, padding in itertools.product(KERNELS, STRIDES, PADDINGS):
        sizes = {"kernel": (kernel, 2), "stride": (stride, 2), "padding": (padding, 1)}
        behind = torch.nn.Conv2d(1, 1, *sizes.values())(torch.zeros(1, 1, *grid)).shape[2:]
        assert Convolution(**sizes).output_grid(grid) == tuple(behind)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "message"),
    [
        (0, 1, 0, "here: kernel 0, stride 1, padding 0 make no sense"),
        (3, 0, 0, "here: kernel 3, stride 0, padding 0 make no sense"),
        (3, 1, -1, "here: kernel 3, stride 1, padding -1 make no sense"),
        (3, 1, 3, "here: kernel 3, stride 1, padding 3 make no sense"),
        (7, 1, 1, "here: kernel 7 is larger than its input of 4 cells"),
    ],
)
def test_sizes_that_do_not_fit(kernel: int, stride: int, padding: int, message: str) -> None:
    conv = Convolution(kernel=(1, kernel), stride=(1, stride), padding=(0, padding))
    with pytest.raises(LeveloneError) as caught:
        check_convolution("here", conv, (4, 4))
    assert caught.value.message == f"recipe: {message}"


def test_the_largest_size_that_fits() -> None:
    conv = Convolution(kernel=(6,), stride=(1,), padding=(1,))
    check_convolution("here", conv, (4,))
    assert conv.output_grid((4,)) == (1,)


def test_every_dense_layer_needs_a_unit() -> None:
    check_dense(())
    check_dense((1,))
    with pytest.raises(LeveloneError, match=r"model.dense = \[3, 0\]: every layer needs a unit"):
        check_dense((3, 0))


CARRIED = [name for name in SYSTEMS.known if issubclass(find_system(name).section, Carried)]


@pytest.mark.parametrize("reach", ["float", "quantised", "firmware"])
@pytest.mark.parametrize("name", CARRIED)
def test_a_network_is_carried_as_far_as_its_recipe_says(name: str, reach: str) -> None:
    system = find_system(name)
    assert system.reach(system.read_recipe(None, [f"model.reach={reach}"])) == reach


def test_a_section_that_says_nothing_of_it_is_not_asked() -> None:
    """Nobody has checked it yet."""
    system = find_system("bandgap")
    assert CARRIED and "bandgap" not in CARRIED
    assert type(system).reach is System.reach
    assert system.reach(system.read_recipe(None, ["model.pixels=-3"])) == "firmware"

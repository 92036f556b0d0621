"""Muon losses against the tables of Groom, Mokhov and Striganov, and the events made from them."""

import numpy as np
import pytest

from levelone.data.voxels import open_voxels
from levelone.simulate.materials import ELECTRON_MEV, IRON, K_MEV_CM2, LEAD_TUNGSTATE, MUON_MEV
from levelone.simulate.muon.generator import calorimeter, generate, simulate_muon
from levelone.simulate.muon.losses import (
    PROCESSES,
    ionisation,
    knock_on_photons,
    mean_loss,
    pair_production,
    photons_on_electrons,
    variance_below,
)
from levelone.simulate.muon.section import MuonGenerate
from levelone.simulate.muon.tables import LossTable, MuonAbsorber, transport
from levelone.simulate.straggling import highland, sample_landau

# T (MeV): ionisation, bremsstrahlung, pairs, photonuclear in MeV cm2 / g. Tables in the form of Groom et al.
# (2001), recomputed by V. Niess' PUMAS (niess/pumas-materials).
TABLES = {
    "iron": {
        1e4: (1.942, 1.401e-2, 1.490e-2, 3.109e-3),
        1e5: (2.207, 0.2218, 0.3158, 3.384e-2),
        1e6: (2.428, 2.863, 4.174, 0.3481),
        8e6: (2.638, 25.30, 35.92, 3.244),
    },
    "lead tungstate": {
        1e4: (1.727, 2.861e-2, 3.265e-2, 2.982e-3),
        1e5: (1.963, 0.4569, 0.6711, 3.160e-2),
        1e6: (2.159, 5.848, 8.640, 0.3207),
        8e6: (2.346, 51.18, 73.61, 2.978),
    },
}
MATERIALS = {"iron": IRON, "lead tungstate": LEAD_TUNGSTATE}
RADIATIVE = ("bremsstrahlung", "pair production", "photonuclear")


@pytest.mark.parametrize("name", TABLES)
def test_mean_losses_agree_with_the_tables(name):
    """Ionisation to 0.1 %, bremsstrahlung and pairs to 1 %.

    Photonuclear to 25 % (the table uses a newer cross section).
    """
    energy = np.array(list(TABLES[name])) + MUON_MEV
    table = np.array(list(TABLES[name].values())).T
    np.testing.assert_allclose(ionisation(MATERIALS[name], energy), table[0], rtol=1e-3)
    for process, expected, tolerance in zip(RADIATIVE, table[1:], (0.01, 0.01, 0.25), strict=True):
        np.testing.assert_allclose(
            mean_loss(PROCESSES[process], MATERIALS[name], energy), expected, rtol=tolerance, err_msg=process
        )


@pytest.mark.parametrize(
    ("name", "gev", "tolerance"), [("iron", 347.0, 0.02), ("lead tungstate", 160.0, 0.06)]
)
def test_muon_critical_energy(name, gev, tolerance):
    """347 GeV in iron (PDG); 160 +5 -6 +- 8 GeV measured in lead tungstate (CMS, JINST 5 (2010) P03007)."""
    energy = np.geomspace(1e5, 1e6, 400)
    radiative = sum(mean_loss(PROCESSES[p], MATERIALS[name], energy) for p in RADIATIVE)
    crossing = np.interp(0, radiative - ionisation(MATERIALS[name], energy), energy)
    assert crossing / 1e3 == pytest.approx(gev, rel=tolerance)


def test_minimum_ionisation():
    """PDG: 1.451 MeV cm2 / g in iron and 1.229 in lead tungstate, at 362 and 304 MeV / c."""
    for material, value, momentum in ((IRON, 1.451, 362.4), (LEAD_TUNGSTATE, 1.229, 304.0)):
        energy = np.hypot(np.geomspace(100, 2000, 2000), MUON_MEV)
        loss = ionisation(material, energy)
        assert loss.min() == pytest.approx(value, rel=2e-3)
        lowest = np.sqrt(energy[loss.argmin()] ** 2 - MUON_MEV**2)
        assert lowest == pytest.approx(momentum, rel=0.05)


@pytest.mark.parametrize("process", PROCESSES)
def test_sampled_spectra_have_the_tabulated_mean(process):
    """The mean sampled transfer times the rate is the integral of the spectrum above the cut."""
    table = LossTable.build(process, IRON, 50.0, np.log(np.geomspace(1e3, 1.2e7, 72)))
    energy = np.full(400_000, 1e6)
    transfer = table.sample(energy, np.random.default_rng(1))
    assert transfer.min() >= 50 * 0.999
    assert transfer.max() < 1e6
    mean = mean_loss(PROCESSES[process], IRON, np.array([1e6]), 50.0)[0]
    error = transfer.std() / np.sqrt(len(transfer)) * table.rate_at(energy[:1])[0]
    assert transfer.mean() * table.rate_at(energy[:1])[0] == pytest.approx(mean, abs=4 * error + 0.01 * mean)


def test_landau():
    """Median 1.3558, and 0.22278 below zero for the most probable value (Landau's function)."""
    sample = sample_landau(np.full(400_000, 1e12), np.random.default_rng(2))
    assert np.median(sample) == pytest.approx(1.3558, abs=0.01)
    counts, edges = np.histogram(sample, np.linspace(-2, 2, 41))
    near = counts.argmax()
    fit = np.polyfit(
        (edges[near - 4 : near + 5] + edges[near - 3 : near + 6]) / 2, counts[near - 4 : near + 5], 2
    )
    assert -fit[1] / (2 * fit[0]) == pytest.approx(-0.2228, abs=0.05)
    assert sample_landau(np.full(1000, 3.0), np.random.default_rng(3)).max() < 3


@pytest.mark.parametrize("gev", [10.0, 1000.0])
def test_straggled_soft_loss_has_the_restricted_mean(gev):
    absorber = MuonAbsorber.build(LEAD_TUNGSTATE)
    energy = np.full(200_000, gev * 1e3)
    loss = absorber.soft_loss(energy, 32.9, np.random.default_rng(4))
    rate = absorber.ionisation + absorber.radiation
    mean = np.interp(np.log(energy[0]), absorber.log_energy, rate) * 32.9
    assert loss.mean() == pytest.approx(mean, rel=0.002)
    assert np.median(loss) < loss.mean()  # Landau's tail


SLAB = 3.96 * LEAD_TUNGSTATE.density


def test_a_quiet_layer_tells_no_energy():
    """The least of fifty layers is that of Landau's law about the most probable loss, at any energy.

    PDG review: xi (ln(2 m xi / (plasma energy)^2) + 0.2) on the plateau of the density effect, 43.0 MeV in
    39.6 mm. What a muon radiates on electrons comes in few photons, not as a bit more from every atom.
    """
    xi = K_MEV_CM2 / 2 * LEAD_TUNGSTATE.z_over_a * SLAB
    plasma = LEAD_TUNGSTATE.excitation_ev * np.exp((1 - LEAD_TUNGSTATE.sternheimer.cbar) / 2) * 1e-6
    square_root = np.sqrt(LEAD_TUNGSTATE.density * LEAD_TUNGSTATE.z_over_a)
    assert plasma * 1e6 == pytest.approx(28.816 * square_root, rel=0.02)  # eV, PDG
    most_probable = xi * (np.log(2 * ELECTRON_MEV * xi / plasma**2) + 0.2)
    assert most_probable == pytest.approx(43.03, abs=0.01)
    rng = np.random.default_rng(10)
    landau = np.quantile(sample_landau(np.full(200_000, 1e12), rng), 0.02)
    absorber = MuonAbsorber.build(LEAD_TUNGSTATE)
    low, high = (
        np.quantile(absorber.soft_loss(np.full(200_000, mev), SLAB, rng), 0.02) for mev in (1e5, 4e6)
    )
    # 0.5 of it is the truncation's, the rest are soft pairs, which hardly a layer is without at 4 TeV
    assert low == pytest.approx(most_probable + xi * (landau + 0.2228), abs=1.2)
    assert high == pytest.approx(low, abs=0.5)


def test_photons_on_atomic_electrons_are_those_of_knock_on_electrons():
    """Groom's mean and Kelner's spectrum are two approximations of one thing."""
    energy = np.geomspace(1e4, 8e6, 8)
    mean = mean_loss(knock_on_photons, LEAD_TUNGSTATE, energy)
    np.testing.assert_allclose(mean, photons_on_electrons(LEAD_TUNGSTATE, energy), rtol=0.05)


def test_variance_of_soft_pairs_is_that_of_single_ones():
    """Pairs between 0.2 and 50 MeV drawn one by one in 50 slabs, at 8 TeV; those below add nothing."""
    energy = np.full(4000, 8e6)
    table = LossTable.build("pair production", LEAD_TUNGSTATE, 0.2, np.log(np.array([8e6, 8.1e6])))
    rng = np.random.default_rng(8)
    who = np.repeat(np.arange(4000), rng.poisson(table.rate_at(energy) * 50 * SLAB))
    transfer = table.sample(energy[who], rng)
    single = np.bincount(who, np.where(transfer < 50.0, transfer, 0.0), 4000).std()
    computed = variance_below(PROCESSES["pair production"], LEAD_TUNGSTATE, energy[:1], 50.0)[0] * 50 * SLAB
    assert np.sqrt(computed) == pytest.approx(64.3, abs=0.2)  # MeV
    assert single == pytest.approx(np.sqrt(computed), rel=0.04)  # 4000 events: 1.1 %


def test_radiated_energy_has_mean_and_variance_in_thin_slabs_as_in_thick_ones():
    absorber = MuonAbsorber.build(LEAD_TUNGSTATE)
    energy, rng = np.full(100_000, 8e6), np.random.default_rng(9)
    thick = absorber.radiated(energy, 50 * SLAB, rng)
    thin = sum(absorber.radiated(energy, 5 * SLAB, rng) for _ in range(10))
    for sample in (thick, thin):
        assert sample.std() == pytest.approx(68.2, rel=0.01)  # MeV: pairs 64.3, electrons 21, the rest 4
        mean = np.interp(np.log(8e6), absorber.log_energy, absorber.radiation) * 50 * SLAB
        assert sample.mean() == pytest.approx(mean, abs=4 * 68.2 / np.sqrt(len(energy)))
        assert sample.min() >= 0


@pytest.mark.parametrize(("gev", "total"), [(100.0, 2.778), (1000.0, 9.813)])
def test_transported_muons_lose_the_tabulated_energy(gev, total):
    """Total dE/dx in iron, MeV cm2 / g, as tabulated, to 3 %.

    Single losses above 1 % of the energy are too rare to average: their integral is taken instead.
    """
    thickness, n = 20.0, 150_000
    energy = gev * 1e3
    passage = transport(MuonAbsorber.build(IRON), np.full(n, energy), thickness, 1, np.random.default_rng(5))
    hard = passage.hard.energy_mev
    frequent = passage.soft_mev.sum() + hard[hard < 0.01 * energy].sum()
    rare = sum(mean_loss(PROCESSES[p], IRON, np.array([energy]), 0.01 * energy)[0] for p in PROCESSES)
    assert frequent / n / thickness + rare == pytest.approx(total, rel=0.03)
    assert 0.1 < rare / total < 0.9


def test_transport_conserves_energy_and_stops_slow_muons():
    energy = np.full(2000, 2e3)
    passage = transport(MuonAbsorber.build(IRON), energy, 100.0, 30, np.random.default_rng(6))
    hard = np.bincount(passage.hard.event, passage.hard.energy_mev, 2000)
    np.testing.assert_allclose(passage.energy_mev[-1] + passage.soft_mev.sum(0) + hard, energy)
    assert np.all(passage.energy_mev[-1] == MUON_MEV)  # 3 kg / cm2 stop 2 GeV (range 1.25 kg / cm2)
    assert np.all(np.diff(passage.energy_mev, axis=0) <= 1e-9)


def test_highland():
    """Lynch and Dahl: 13.6 MeV / (beta p) sqrt(t) (1 + 0.038 ln t): 13.6 mrad at 1 GeV / c and one X0."""
    assert highland(np.array([1000.0]), 1.0, 0.0)[0] == pytest.approx(0.0136)
    assert highland(np.array([1000.0]), 0.01, 0.0)[0] == pytest.approx(
        0.00136 * (1 - 0.038 * 4.60517), rel=1e-5
    )


def test_events():
    n = 192
    calo = calorimeter()
    energy = np.repeat([60.0, 1000.0, 6000.0], n // 3)
    made = generate(energy, MuonAbsorber.build(LEAD_TUNGSTATE), calo, np.random.default_rng(7))
    image = made.images["calo"]
    assert image.shape == (n, 50, 32, 32)
    # energy: what the muon lost is in the cells, outside, or invisible
    np.testing.assert_allclose(made.truth["deposited"] + made.outside, made.deposited, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(image.sum((1, 2, 3)), made.truth["deposited"], rtol=0.06)
    # a track in every layer, and more of it at higher energy
    assert np.mean(image.sum((2, 3)) > 0) > 0.999
    low, middle, high = (np.median(part) for part in np.split(made.truth["deposited"], 3))
    assert 2.5 < low < 5  # 1644 g / cm2 at 1.9 MeV cm2 / g and some radiation
    assert 3 * low < middle < high / 3
    # bending: 0.3 B L^2 / 2 p towards +x, 20.6 mm at 60 GeV
    assert np.mean((made.truth["exit_x"] - made.truth["x"])[: n // 3]) == pytest.approx(20.6, abs=2.5)
    assert abs(np.mean(made.truth["exit_y"] - made.truth["y"])) < 1
    # the entry cell holds the track
    row = np.floor(made.truth["y"] / 3.75 + 16).astype(int)
    column = np.floor(made.truth["x"] / 3.75 + 16).astype(int)
    assert np.mean(image[np.arange(n), 0, row, column] > 0) > 0.98


def test_file_is_deterministic_and_a_longer_run_continues_a_shorter_one(tmp_path):
    calls = []

    def simulate(name, events, seed, progress=None):
        options = MuonGenerate(events=events, seed=seed, energy_gev=(50.0, 500.0))
        return simulate_muon(tmp_path / name, options, progress, chunk=16)

    one = simulate("a.h5", 24, 5, lambda *c: calls.append(c))
    simulate("b.h5", 40, 5)
    simulate("c.h5", 24, 6)
    assert calls == [(16, 24), (24, 24)]
    assert one.events == 24 == sum(one.splits.values())
    with (
        open_voxels(tmp_path / "a.h5") as a,
        open_voxels(tmp_path / "b.h5") as b,
        open_voxels(tmp_path / "c.h5") as c,
    ):
        a.check()
        first = a.read("calo", slice(None))
        np.testing.assert_array_equal(first, b.read("calo", slice(0, 24)))
        np.testing.assert_array_equal(a.truth("energy"), b.truth("energy")[:24])
        assert not np.array_equal(first, c.read("calo", slice(None)))
        assert a.provenance["seed"] == 5
        assert a.provenance["energy_gev"] == [50.0, 500.0]
        assert "--set 'generate.energy_gev=[50.0, 500.0]'" in a.provenance["command"]
        assert str(tmp_path) not in str(a.provenance)


def test_pairs_of_a_table_are_those_of_its_rows():
    """Bit for bit: the table is computed row by row, a row at once."""
    energy, v = np.array([[1e4], [1e5], [4e6]]), np.geomspace(1e-4, 0.9, 11)
    table = pair_production(LEAD_TUNGSTATE, energy, v)
    assert table.shape == (3, 11) and (table > 0).any()
    for row, one in zip(table, energy[:, 0], strict=True):
        assert np.array_equal(row, pair_production(LEAD_TUNGSTATE, np.full(11, one), v))
        assert row[4] == pytest.approx(pair_production(LEAD_TUNGSTATE, one, v[4]), rel=1e-12)

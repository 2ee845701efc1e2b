import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rfp_md
from rfp_md import UserError
from rfp_md.linalg.differences import central_difference
from rfp_md.progress import Progress
from rfp_md.regressors import Batch, Samples
from rfp_md.sites import Sites
from rfp_md.testing import check_regressor
from rfp_md.testing.synthetic import synthetic, whole
from rfp_md.training.flag_values import make_regressor

torch = pytest.importorskip("torch", reason="torch is not installed; pip install torch")
package = pytest.importorskip("rfp_torch.shallow_network", reason="pip install --editable plugins/rfp-torch")
ShallowNetwork = package.ShallowNetwork

ETHANOL = Path(__file__).parents[3] / "examples/data/ethanol_gfn2.extxyz"
TRAINING = {"data": f"{ETHANOL}@:200", "descriptor": ["inverse_distances"]}


@pytest.fixture(scope="module")
def unseen():
    return rfp_md.read(f"{ETHANOL}@500:").blocks[0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An ethanol potential and its file."""
    path = tmp_path_factory.mktemp("model") / "ethanol.rfp"
    return rfp_md.train(**TRAINING, regressor="shallow_network:epochs=60", output=path), path


def fit(network, train, valid, widths=(None, None), progress=None):
    return network.fit(train, valid, widths, np.random.default_rng(0), progress or Progress())


@pytest.mark.parametrize("activation", ["tanh", "silu", "gelu"])
def test_it_conforms(activation):
    check_regressor(ShallowNetwork(activation=activation, width=60, epochs=100))


def test_ethanol_learns_energies_and_forces(trained, unseen):
    potential, _ = trained
    predicted = potential.compute(unseen)
    assert np.abs(predicted.forces - unseen.forces).mean() < 0.1 * np.abs(unseen.forces).mean()
    assert np.abs(predicted.energies - unseen.energies).mean() < 0.1 * unseen.energies.std()


def test_forces_are_the_slope_of_the_energy(trained, unseen):
    potential, step = trained[0], 1e-4
    direction = np.random.default_rng(0).normal(size=(unseen.n_atoms, 3))
    slopes = central_difference(lambda t: potential.energies(unseen.at(unseen.positions + t * step * direction)), step)
    np.testing.assert_allclose(-(potential.compute(unseen).forces * direction).sum((1, 2)), slopes, atol=1e-7)


def test_what_the_training_saw_is_what_is_predicted(trained):
    """The errors on the validation frames, by torch through the Jacobian, by numpy through the pullback."""
    potential, _ = trained
    valid = rfp_md.read(TRAINING["data"]).select(potential.split["valid"]).blocks[0]
    predicted, report = potential.compute(valid), potential.record["fit"]
    energy_error, force_error = np.abs(predicted.energies - valid.energies), np.abs(predicted.forces - valid.forces)
    assert report["valid_energy_mae_ev"] == pytest.approx(energy_error.mean(), rel=1e-9)
    assert report["valid_force_mae_ev_per_angstrom"] == pytest.approx(force_error.mean(), rel=1e-9)
    assert 1 <= report["best_epoch"] <= 60


def test_save_and_load_change_no_bit(trained, unseen):
    potential, path = trained
    again, before = rfp_md.load(path).compute(unseen), potential.compute(unseen)
    assert np.array_equal(again.energies, before.energies)
    assert np.array_equal(again.forces, before.forces)


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    paths = [tmp_path / name for name in ("a.rfp", "b.rfp")]
    for path in paths:
        rfp_md.train(**TRAINING, regressor="shallow_network:epochs=2", output=path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_like_atoms_may_be_swapped(trained, unseen):
    potential, _ = trained
    for relabelled in potential.descriptors[0].state["automorphisms"]:
        swapped = potential.energies(unseen.at(unseen.positions[:, relabelled]))
        np.testing.assert_allclose(swapped, potential.energies(unseen), atol=1e-10)


def test_a_model_runs_without_torch(trained):
    code = f"import sys, rfp_md; rfp_md.load({str(trained[1])!r}).compute(rfp_md.read('{ETHANOL}@:1').blocks[0]); "
    subprocess.run([sys.executable, "-c", f"{code}assert 'torch' not in sys.modules"], check=True)


def random_block(rng, m=4, n_atoms=3, d=5):
    """Three sites of two types, with slopes of every atom and nine of a strain in the Jacobian."""
    sites = Sites(rng.normal(size=(m, 3, d)), np.array([0, 1, 0]), rng.normal(size=(m, 3, d, 3 * n_atoms + 9)))
    slopes, strains = rng.normal(size=(m, 3 * n_atoms)), rng.normal(size=(m, 9))
    return Batch([sites], rng.normal(size=m), slopes, strains, rng.normal(size=(m, 3 * n_atoms)))


def test_the_loss_is_equation_2_45():
    from rfp_torch.network import Network
    from rfp_torch.training import Objective

    rng = np.random.default_rng(0)
    block, rows = random_block(rng), np.array([2, 0])
    sizes = [(7, 5), (7,), (7,), (5,), (5,)]
    networks = [Network(0, kind, *(rng.uniform(0.5, 1.5, size) for size in sizes)) for kind in (0, 1)]
    tensors = [network.each(torch.from_numpy) for network in networks]
    objective = Objective("tanh", force_weight=0.7, torque_weight=0.3)

    expected = 0.0
    for m in rows:
        energy, slopes = -block.energies[m], -block.slopes[m]
        for s, kind in enumerate(block.terms[0].types):
            w, b, a, mean, scale = (getattr(networks[kind], name) for name in package.ARRAYS)
            z = w @ ((block.terms[0].values[m, s] - mean) / scale) + b
            energy = energy + a @ np.tanh(z)
            slopes = slopes + (a / np.cosh(z) ** 2) @ (w / scale) @ block.terms[0].jacobian[m, s, :, :9]
        arms = block.positions[m].reshape(3, 3) - block.positions[m].reshape(3, 3).mean(axis=0)
        torques = np.cross(arms, slopes.reshape(3, 3))
        expected += energy**2 + 0.7 * (slopes**2).sum() + 0.3 * (torques**2).sum()
    errors = objective.errors(tensors, block, rows)
    assert float(objective.total(*errors, block, rows)) == pytest.approx(expected, rel=1e-12)


def test_torques_alone_teach_torques(unseen):
    arms = unseen.positions - unseen.positions.mean(axis=1, keepdims=True)
    errors = []
    for weight in (0, 1):
        network = f"shallow_network:epochs=20,force_weight=0,torque_weight={weight}"
        forces = rfp_md.train(**TRAINING, regressor=network).compute(unseen).forces
        errors.append(np.abs(np.cross(arms, forces - unseen.forces)).mean())
    without, with_torques = errors / np.abs(np.cross(arms, unseen.forces)).mean()
    assert with_torques < 0.25 < 0.5 < without


class Altered(Samples):
    """Synthetic structures whose batches pass through a function first."""

    def __init__(self, n, seed, alter):
        self.inner, self.alter = synthetic(n, seed), alter

    def __len__(self):
        return len(self.inner)

    @property
    def n_coordinates(self):
        return self.inner.n_coordinates

    def some(self, most, rng):
        return self

    def batches(self, size, *, derivatives):
        for batch in self.inner.batches(size, derivatives=derivatives):
            yield from self.alter(batch)


def without_slopes(batch):
    yield Batch(batch.terms, batch.energies)


def no_jacobian(batch):
    assert batch.slopes is None
    yield batch


@pytest.mark.parametrize(("alter", "weight"), [(without_slopes, 1), (no_jacobian, 0)])
def test_energies_alone(alter, weight):
    network = ShallowNetwork(width=60, epochs=100, force_weight=weight, torque_weight=weight)
    report = fit(network, Altered(200, 0, alter), Altered(50, 1, alter))
    test = whole(synthetic(50, seed=2))
    assert np.abs(network.predict(test.terms)[0] - test.energies).mean() < 0.1 * test.energies.std()
    assert report["valid_force_mae_ev_per_angstrom"] is None


def two_compositions(batch):
    """The second half lacks the last site of the first term, and what it adds to energies and slopes."""
    half = len(batch.energies) // 2
    for part, keep in ((slice(0, half), 3), (slice(half, None), 2)):
        jacobians = [None if sites.jacobian is None else sites.jacobian[part] for sites in batch.terms]
        values = [sites.values[part] for sites in batch.terms]
        energies, slopes = batch.energies[part], None if batch.slopes is None else batch.slopes[part]
        if keep == 2:
            energies = energies - values[0][:, 2, 1] ** 2
            if slopes is not None:
                slopes = slopes - 2 * values[0][:, 2, 1, None] * jacobians[0][:, 2, 1]
        first = Sites(
            values[0][:, :keep], batch.terms[0].types[:keep], None if slopes is None else jacobians[0][:, :keep]
        )
        yield Batch([first, Sites(values[1], batch.terms[1].types, jacobians[1])], energies, slopes)


def test_structures_of_several_compositions_train_together():
    network = ShallowNetwork(width=60, epochs=100)
    fit(network, Altered(200, 0, two_compositions), Altered(50, 1, two_compositions))
    for batch in two_compositions(whole(synthetic(100, seed=2), derivatives=True)):
        assert np.abs(network.predict(batch.terms)[0] - batch.energies).mean() < 0.1 * batch.energies.std()


def test_the_width_of_a_term_is_shared_by_its_types():
    network = ShallowNetwork(width=50, epochs=1)
    fit(network, synthetic(20, 0), synthetic(5, 1), widths=(30, None))
    assert [len(network.state[f"{place}.biases"]) for place in ("0.0", "0.1", "1.0")] == [10, 20, 50]


def test_epochs_are_shown():
    class Heard(Progress):
        total, done = 0, 0

        def start(self, label, total, unit):
            self.total = total

        def advance(self, done):
            self.done += done

    heard = Heard()
    fit(ShallowNetwork(width=5, epochs=7), synthetic(20, 0), synthetic(5, 1), progress=heard)
    assert (heard.total, heard.done) == (7, 7)


def test_torch_is_left_as_it_was():
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    fit(ShallowNetwork(width=5, epochs=1, threads=threads + 1), synthetic(20, 0), synthetic(5, 1))
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("epochs=0", "epochs"),
        ("activation=relu", "activation"),
        ("learning_rate=nan", "learning_rate"),
        ("torque_weight=-1", "torque_weight"),
        ("neurons=10", "neurons"),
    ],
)
def test_a_bad_parameter_is_one_sentence(text, named):
    with pytest.raises(UserError, match=named) as caught:
        make_regressor(f"shallow_network:{text}")
    assert "\n" not in str(caught.value)


def test_a_step_that_is_too_long_is_one_sentence():
    with pytest.raises(UserError, match="diverged in epoch 1; lower learning_rate"):
        fit(ShallowNetwork(width=5, learning_rate=1e200), synthetic(20, 0), synthetic(5, 1))


def test_what_does_not_fit_into_memory_is_refused(monkeypatch):
    monkeypatch.setattr("rfp_md.linalg.memory.available_memory", lambda: 10_000)
    with pytest.raises(UserError, match="the fit needs about"):
        fit(ShallowNetwork(), synthetic(200, 0), synthetic(50, 1))


def test_without_torch_training_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "rfp_torch.training", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match="pip install torch"):
        fit(ShallowNetwork(), synthetic(20, 0), synthetic(5, 1))


def test_arrays_that_do_not_fit_are_refused(trained):
    state = dict(trained[0].regressor.state)
    state["0.0.biases"] = state["0.0.biases"][1:]
    for bad, said in ((state, "do not fit"), ({}, "no network")):
        with pytest.raises(ValueError, match=said):
            ShallowNetwork().restore(bad)

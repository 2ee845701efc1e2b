import numpy as np

from rfp_md.frames import Dataset, Frames
from rfp_md.structures.shortest import shortest_distances
from rfp_md.testing.structures import crystal, molecule


def test_another_pair_of_a_molecule_is_the_shortest():
    frames = molecule()
    elements = np.array([1, 6, 8])
    found = shortest_distances(Dataset((frames[:1], frames[1:])), elements, 10.0)
    apart = np.linalg.norm(frames.positions[:, :, None] - frames.positions[:, None], axis=-1)
    for a, first in enumerate(elements):
        for b, second in enumerate(elements):
            mine = np.outer(frames.numbers == first, frames.numbers == second) & ~np.eye(frames.n_atoms, dtype=bool)
            expected = apart[:, mine].min() if mine.any() else np.inf
            np.testing.assert_allclose(found[a, b], expected, rtol=1e-14)


def test_images_are_overlooked():
    (frames,) = Dataset((crystal(1),)).blocks
    apart = frames.positions[0, 1] - frames.positions[0, 0]
    shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3) @ frames.cells[0]
    expected = np.linalg.norm(apart + shifts, axis=1).min()
    found = shortest_distances(Dataset((frames,)), np.array([14]), 3.0)
    np.testing.assert_allclose(found, [[expected]], rtol=1e-12)


def test_a_pair_that_never_comes_so_close_has_a_distance():
    two = Frames(np.array([1, 8]), np.array([[[0.0, 0, 0], [0, 0, 3.0]]]))
    found = shortest_distances(Dataset((two,)), np.array([1, 8]), 2.0)
    assert np.isinf(found).all()

"""kernelforge: FCHL19 descriptors under local random Fourier features (rff) or local kernel ridge regression (krr).

With the defaults of the package and the molecule's own elements. It trains in the unit of the file, kcal/mol, as its
examples do.
"""

from __future__ import annotations

import time

import kernelforge

from tests.benchmarks.peers.measure import KCAL_PER_MOL, Compute, Floats, Molecule, arguments, judge, memory_gb, report

MODELS = {"rff": "LocalRFFModel", "krr": "LocalKRRModel"}


def fit(name: str, train: Molecule) -> kernelforge.models.BaseModel:
    model = getattr(kernelforge, MODELS[name])(elements=sorted({int(z) for z in train.numbers}))
    types = [train.numbers] * len(train)
    return model.fit(list(train.positions), types, energies=train.energies, forces=train.forces)


def compute(model: kernelforge.models.BaseModel, train: Molecule) -> Compute:
    def call(positions: Floats) -> tuple[float, Floats]:
        energies, forces = model.predict([positions], [train.numbers])
        return float(energies[0]), forces.reshape(-1, 3)

    return call


def affordable(name: str, frames: int, atoms: int) -> int:
    """How many of these frames a kernel matrix of their energies and forces leaves room for, in 70 % of the memory."""
    if name != "krr":
        return frames
    packed = 4 * (3 * atoms + 1) ** 2  # bytes for each pair of frames
    return min(frames, int((0.7e9 * memory_gb() / packed) ** 0.5))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", choices=MODELS, default="rff")
    options = parser.parse_args()
    train, test = Molecule.read(options.train), Molecule.read(options.test)[: options.test_frames]
    train = train[: affordable(options.model, options.frames, len(train.numbers))]
    start = time.perf_counter()
    model = fit(options.model, train)
    seconds = time.perf_counter() - start
    settings = {name: getattr(model, name) for name in ("sigma", "l2", "d_rff", "elements") if hasattr(model, name)}
    row = judge(compute(model, train), test, KCAL_PER_MOL)
    report({"frames": len(train), "fit_s": seconds, **row, "settings": settings}, "kernelforge", "numpy")


if __name__ == "__main__":
    main()

"""What a step of several replicas in one batch costs beside a step of one.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.replicas MODEL.rfp...

Prints Markdown: the shortest of several series of steps of `rfp validate stability`, and its ratio to one replica.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import rfp_md
from rfp_md.dynamics.replicas import Replicas
from rfp_md.potential import Potential

COUNTS = (1, 2, 5, 10)
STEPS, SERIES = 60, 7


def step_ms(potential: Potential, count: int) -> float:
    motion = Replicas(potential, count, timestep=0.5, temperature=500.0, seed=0)
    times = []
    for _ in range(SERIES):
        start = time.perf_counter()
        for _ in range(STEPS):
            motion.advance()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times) / STEPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    print("| model | " + " | ".join(f"{count} replicas, ms" for count in COUNTS) + " | of five to one |")
    print("|---" * (len(COUNTS) + 2) + "|")
    for model in parser.parse_args().models:
        potential = rfp_md.load(model)
        times = {count: step_ms(potential, count) for count in COUNTS}
        cells = " | ".join(f"{ms:.2f}" for ms in times.values())
        print(f"| {model.stem} | {cells} | {times[5] / times[1]:.1f} |", flush=True)


if __name__ == "__main__":
    main()

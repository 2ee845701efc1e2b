"""The time that a benchmark of an interface spends in the model, which is not the interface's."""

import time


class Clocked:
    """A potential's ``compute`` that adds up the CPU time of this thread in it, ``seconds``."""

    def __init__(self, potential):
        self._compute = potential.compute
        self.seconds = 0.0

    def __call__(self, frames):
        start = time.thread_time()
        prediction = self._compute(frames)
        self.seconds += time.thread_time() - start
        return prediction

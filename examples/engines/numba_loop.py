"""A network inside functions that numba compiles: events of different sizes, one call for the particles of each, on numba's threads."""

from pathlib import Path

import numba
import numpy as np

import onnx_bridge
from onnx_bridge.demo.events import events

model = Path(onnx_bridge.__file__).parent / "demo" / "diphoton.onnx"  # event [N, 8] -> signal [N, 1]
net = onnx_bridge.convert(model).compile()


@numba.njit(parallel=True)
def best_of_each(candidates, starts):
    """The highest signal among each event's candidates; 0 where there is none."""
    best = np.zeros(len(starts) - 1, np.float32)
    for event in numba.prange(len(best)):
        its = candidates[starts[event] : starts[event + 1]]
        if len(its):
            best[event] = net(its).max()
    return best


starts = np.concatenate([[0], np.cumsum(np.random.default_rng(0).poisson(3, 10_000))])
candidates, _ = events(starts[-1], seed=0)
best = best_of_each(candidates, starts)

signals = net(candidates)[:, 0]
alone = np.array([signals[first:last].max(initial=0) for first, last in zip(starts, starts[1:], strict=False)])
same = "the same" if (best == alone).all() else "not the same"
print(f"{len(best)} events, mean best signal {best.mean():.6f}, {same} in Python")

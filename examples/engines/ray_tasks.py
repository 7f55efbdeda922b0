"""A network in tasks and actors of Ray: it is put into the object store once, and each machine builds it once."""

from pathlib import Path

import numpy as np
import ray

import onnx_bridge
from onnx_bridge.demo.events import events


@ray.remote
def signals_of(net, rows):
    """A task: whatever worker takes it calls the net."""
    return net(rows)


@ray.remote
class Counter:
    """An actor: a worker that keeps the net, and what it has counted."""

    def __init__(self, net):
        self.net, self.passed = net, 0

    def count(self, rows):
        """How many rows have passed in all."""
        self.passed += int((self.net(rows) > 0.5).sum())
        return self.passed


model = Path(onnx_bridge.__file__).parent / "demo" / "diphoton.onnx"  # event [N, 8] -> signal [N, 1]
net = onnx_bridge.convert(model).compile()
rows, _ = events(40_000, seed=0)
blocks = np.split(rows, 8)

ray.init(num_cpus=2, object_store_memory=200_000_000, include_dashboard=False)
there = ray.put(net)
signals = np.concatenate(ray.get([signals_of.remote(there, block) for block in blocks]))
counter = Counter.remote(there)
passed = ray.get([counter.count.remote(block) for block in blocks])[-1]
ray.shutdown()

same = "the same" if (signals == net(rows)).all() and passed == (signals > 0.5).sum() else "not the same"
print(f"{len(rows)} rows, mean signal {signals.mean():.6f}, {same} here")

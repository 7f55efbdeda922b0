"""A network on a cluster of Dask: blocks of an array, and tasks with jagged arrays. The net travels, each machine builds it once."""

from pathlib import Path

import awkward as ak
import dask.array
import numpy as np
from dask.distributed import Client, LocalCluster

import onnx_bridge
from onnx_bridge.demo.events import events
from onnx_bridge.engines import jagged


def best_of_each(net, candidates):
    """The highest signal among each event's candidates, None where there is none."""
    return ak.max(jagged(net, [candidates[:, :, feature] for feature in range(8)]), axis=1)


def main():
    """Computes on a cluster of this machine, and compares."""
    model = Path(onnx_bridge.__file__).parent / "demo" / "diphoton.onnx"  # event [N, 8] -> signal [N, 1]
    net = onnx_bridge.convert(model).compile()
    rows, _ = events(30_000, seed=0)
    jagged_rows = ak.unflatten(rows, np.random.default_rng(0).multinomial(len(rows), np.full(10_000, 1e-4)))

    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster, Client(cluster) as client:
        signals = dask.array.from_array(rows, chunks=(5_000, 8)).map_blocks(net, dtype=np.float32).compute()
        there = client.scatter(net, broadcast=True)
        tasks = [client.submit(best_of_each, there, jagged_rows[first : first + 2_000]) for first in range(0, 10_000, 2_000)]
        best = ak.concatenate(client.gather(tasks))

    same = "the same" if (signals == net(rows)).all() and ak.all(best == best_of_each(net, jagged_rows)) else "not the same"
    print(f"{len(jagged_rows)} events, mean best signal {ak.mean(best):.6f}, {same} here")


if __name__ == "__main__":
    main()

"""The demo: a trained model to a header, the header's answers and times beside onnxruntime's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from onnx_bridge.convert import convert
from onnx_bridge.demo.events import events
from onnx_bridge.demo.race import empty_call_seconds, onnxruntime_loop, onnxruntime_session, race

MODEL = Path(__file__).parent / "diphoton.onnx"
EVENTS = 20_000
BATCH = 1000


def demo(progress: Callable[[str], None]) -> Iterator[str]:
    """Runs the demo; gives the lines to print."""
    x, label = events(EVENTS, seed=2026)
    made = convert(MODEL, inputs=[{"event": x[:BATCH]}], progress=progress)
    progress("run")
    net, session = made.compile(), onnxruntime_session(str(MODEL))
    ours, theirs = net(x), session.run(None, {"event": x})[0]
    alone = np.concatenate([net(row[None]) for row in x[:BATCH]])
    progress("time")
    times = {}
    for rows in (1, BATCH):
        feeds = {"event": x[:rows]}
        best = race({"header": partial(net.time, feeds), "onnxruntime": onnxruntime_loop(session, feeds)})
        times[rows] = {name: seconds / rows * 1e6 for name, seconds in best.items()}
    empty = empty_call_seconds() * 1e6

    yield f"{MODEL.name}: is a pair of photons the decay of a scalar of 125 GeV? Trained on toy events by scripts/make_demo.py."
    yield from ("", str(made.report), "")
    yield f"{'':<36}{'onnxruntime':>14}{'header':>12}"
    yield f"{f'accuracy on {EVENTS} new events':<36}{_accuracy(theirs, label):>14.4f}{_accuracy(ours, label):>12.4f}"
    for rows, found in times.items():
        what = "one event a call, us" if rows == 1 else f"{rows} events a call, us an event"
        yield f"{what:<36}{found['onnxruntime']:>14.3f}{found['header']:>12.3f}"
    yield ""
    yield f"Same bits alone and in a batch: {_share(alone, ours[:BATCH])} of the answers. Same bits as onnxruntime: {_share(ours, theirs)};"
    yield f"the largest difference from it is {float(np.abs(ours - theirs).max()):.2g}."
    yield "Times are the best of several rounds on one thread: the header in a loop of C++, onnxruntime from Python with bound buffers,"
    yield f"where a call of a model that negates one number takes {empty:.2f} us."


def _accuracy(answers: np.ndarray, label: np.ndarray) -> float:
    return float(((answers[:, 0] > 0.5) == label).mean())


def _share(a: np.ndarray, b: np.ndarray) -> str:
    return f"{100 * float((a.view(np.uint32) == b.view(np.uint32)).mean()):.2f} %"

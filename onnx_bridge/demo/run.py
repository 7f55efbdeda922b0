"""The demo: a trained model to a header; the header's answers and times beside onnxruntime's, and beside a framework's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from onnx_bridge.demo.events import events
from onnx_bridge.demo.networks import EXTRAS, NETWORKS, own_call
from onnx_bridge.demo.race import Loop, empty_call_seconds, onnxruntime_loop, onnxruntime_session, race
from onnx_bridge.errors import ExportError
from onnx_bridge.pipeline import convert

MODEL = Path(__file__).parent / "diphoton.onnx"
EVENTS = 20_000
BATCH = 1000


def demo(progress: Callable[[str], None], framework: str | None = None) -> Iterator[str]:
    """Runs the demo; gives the lines to print.

    Args:
        progress: told the name of each stage.
        framework: "keras", "torch" or "flax": the network is built there, with the trained weights; None: the ONNX file itself.
    """
    x, label = events(EVENTS, seed=2026)
    model, arguments = _network(framework)
    made = convert(model, name="diphoton", inputs=[{"event": x[:BATCH]}], progress=progress, **arguments)
    progress("run")
    net, session = made.compile(), onnxruntime_session(str(MODEL))
    ours, theirs = net(x), session.run(None, {"event": x})[0]
    alone = np.concatenate([net(row[None]) for row in x[:BATCH]])
    progress("time")
    times = {}
    for rows in (1, BATCH):
        feeds = {"event": x[:rows]}
        loops: dict[str, Loop] = {"header": partial(net.time, feeds), "onnxruntime": onnxruntime_loop(session, feeds)}
        if framework is not None:
            loops[framework] = _loop(own_call(framework, model), x[:rows])
        best = race(loops)
        times[rows] = {name: seconds / rows * 1e6 for name, seconds in best.items()}
    empty = empty_call_seconds() * 1e6
    engines = [*([] if framework is None else [framework]), "onnxruntime", "header"]

    what = MODEL.name if framework is None else f"The network of {MODEL.name}, built in {framework}"
    yield f"{what}: is a pair of photons the decay of a scalar of 125 GeV? Trained on toy events by scripts/make_demo.py."
    yield from ("", str(made.report), "")
    yield f"{'':<36}" + "".join(f"{engine:>14}" for engine in engines)
    right = {"onnxruntime": _accuracy(theirs, label), "header": _accuracy(ours, label)}
    if framework is not None:
        right[framework] = _accuracy(own_call(framework, model)(x), label)
    yield f"{f'accuracy on {EVENTS} new events':<36}" + "".join(f"{right[engine]:>14.4f}" for engine in engines)
    for rows, found in times.items():
        what = "one event a call, us" if rows == 1 else f"{rows} events a call, us an event"
        yield f"{what:<36}" + "".join(f"{found[engine]:>14.3f}" for engine in engines)
    yield ""
    yield f"Same bits alone and in a batch: {_share(alone, ours[:BATCH])} of the answers. Same bits as onnxruntime: {_share(ours, theirs)};"
    yield f"the largest difference from it is {float(np.abs(ours - theirs).max()):.2g}."
    yield "Times are the best of several rounds on one thread: the header in a loop of C++, onnxruntime from Python with bound buffers,"
    yield f"where a call of a model that negates one number takes {empty:.2f} us."
    if framework is not None:
        yield f"{framework} is called from Python, compiled by its own means where it has some."


def _network(framework: str | None) -> tuple[Any, dict[str, Any]]:
    """The model, and what is to be said of it."""
    if framework is None:
        return MODEL, {}
    try:
        return NETWORKS[framework](str(MODEL))
    except ModuleNotFoundError as error:
        extra = EXTRAS[framework]
        raise ExportError(f"the demo in {framework} needs the package {error.name!r}: pip install 'onnx_bridge[{extra}]'") from None


def _loop(call: Callable[[np.ndarray], Any], x: np.ndarray) -> Loop:
    def loop(number: int) -> float:
        begin = time.perf_counter()
        for _ in range(number):
            call(x)
        return time.perf_counter() - begin

    call(x)  # compiles
    return loop


def _accuracy(answers: np.ndarray, label: np.ndarray) -> float:
    return float(((answers[:, 0] > 0.5) == label).mean())


def _share(a: np.ndarray, b: np.ndarray) -> str:
    return f"{100 * float((a.view(np.uint32) == b.view(np.uint32)).mean()):.2f} %"

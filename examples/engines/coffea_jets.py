"""A network in a processor of coffea, on two workers: a score for each jet of a NanoAOD file; and behind coffea's `numpy_call_wrapper`."""

from pathlib import Path

import awkward as ak
import numpy as np
import uproot
from coffea import processor
from coffea.ml_tools.helper import numpy_call_wrapper
from coffea.nanoevents import NanoAODSchema

import onnx_bridge
from onnx_bridge.demo.events import events
from onnx_bridge.engines import jagged

FEATURES = ["pt", "eta", "phi", "mass", "area", "btag", "qgl", "width"]  # eight numbers, whatever the model here was trained with


class Wrapped(numpy_call_wrapper):
    """A net as coffea's own wrappers of torch and TensorFlow are: awkward arrays in, awkward arrays out."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def validate_numpy_input(self, rows):
        """The net does."""

    def prepare_awkward(self, jets):
        """Jets as rows."""
        flat = ak.flatten(jets)
        return [ak.concatenate([flat[name][:, np.newaxis] for name in FEATURES], axis=1)], {}

    def numpy_call(self, rows):
        """The scores."""
        return self.net(rows)[:, 0]

    def postprocess_awkward(self, scores, jets):
        """Scores where the jets were."""
        return ak.unflatten(scores, ak.num(jets))


class Scores(processor.ProcessorABC):
    """Adds up the scores of jets. It is pickled to the workers, and the net with it."""

    def __init__(self, net):
        self.net, self.wrapped = net, Wrapped(net)

    def process(self, events):
        """One chunk of events."""
        jets = events.Jet
        scores = jagged(self.net, [jets[name] for name in FEATURES])
        return {"jets": int(ak.count(scores)), "sum": float(ak.sum(scores)), "same": bool(ak.all(scores == self.wrapped(jets)))}

    def postprocess(self, accumulator):
        """Nothing is left to do."""


def main():
    """Writes a file, runs the processor on it, and compares."""
    model = Path(onnx_bridge.__file__).parent / "demo" / "diphoton.onnx"  # event [N, 8] -> signal [N, 1]
    net = onnx_bridge.convert(model).compile()
    counts = np.random.default_rng(0).poisson(3, 5_000)
    rows, _ = events(counts.sum(), seed=0)
    jets = ak.zip({name: ak.unflatten(rows[:, column], counts) for column, name in enumerate(FEATURES)})
    with uproot.recreate("nano.root") as file:
        numbers = {name: np.arange(len(jets), dtype=np.uint32) for name in ("run", "luminosityBlock", "event")}
        file.mktree("Events", {"Jet": jets.type.content, **dict.fromkeys(numbers, np.uint32)}, counter_name=lambda name: f"n{name}")
        file["Events"].extend({"Jet": jets, **numbers})

    run = processor.Runner(processor.FuturesExecutor(workers=2), schema=NanoAODSchema, chunksize=2_000)
    found = run({"data": ["nano.root"]}, processor_instance=Scores(net), treename="Events")

    alone = net(rows)
    close = abs(found["sum"] - alone.sum(dtype=np.float64)) < 1e-2 and found["jets"] == len(rows)
    same = "the same" if close and found["same"] else "not the same"
    print(f"{found['jets']} jets, mean score {found['sum'] / found['jets']:.6f}, {same} here")


if __name__ == "__main__":
    main()

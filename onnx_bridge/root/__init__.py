"""ROOT: a converted network in the interpreter, and as columns of an RDataFrame, on one machine or on many.

    import ROOT
    from onnx_bridge.root import declare, define

    net = onnx_bridge.convert("higgs.onnx")
    declare(net)                                                 # ROOT.TMVA_SOFIE_higgs.Session, ROOT.onnx_bridge.higgs.Model
    frame = define(ROOT.RDataFrame("events", "data.root"), "score", net, ["pt", "eta"])

ROOT is not a dependency of this package (`pip install root`); it is imported when a function here is called.
"""

from onnx_bridge.root.declare import Declared, declare
from onnx_bridge.root.frame import define
from onnx_bridge.root.traits import write

__all__ = ["Declared", "declare", "define", "write"]

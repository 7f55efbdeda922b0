"""A column of an RDataFrame that a network computes: any number of threads, one workspace for each slot."""

import numpy as np
import onnx
import ROOT
from onnx import TensorProto, helper, numpy_helper

import onnx_bridge
from onnx_bridge.root import define

# A model: two numbers of an event to a score. Any model of any framework will do.
weights = numpy_helper.from_array(np.array([[0.5], [-0.25]], np.float32), "weights")
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width]) for name, width in (("x", 2), ("y", 1)))
nodes = [helper.make_node("MatMul", ["x", "weights"], ["h"]), helper.make_node("Sigmoid", ["h"], ["y"])]
onnx.save(
    helper.make_model(helper.make_graph(nodes, "score", [x], [y], [weights]), opset_imports=[helper.make_opsetid("", 17)]), "score.onnx"
)

net = onnx_bridge.convert("score.onnx")
events = 10_000
frame = ROOT.RDataFrame(events).Define("pt", "rdfentry_ * 1e-3").Define("eta", "rdfentry_ % 7 - 3.")
columns = define(frame, "score", net, ["pt", "eta"]).AsNumpy(["pt", "eta", "score"])

alone = net.compile()(np.stack([columns["pt"], columns["eta"]], 1).astype(np.float32))[:, 0]
same = "the same" if (columns["score"] == alone).all() else "not the same"
print(f"{events} events, mean score {columns['score'].mean():.6f}, {same} in Python")

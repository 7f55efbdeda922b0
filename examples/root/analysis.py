"""A column of an RDataFrame that a header computes: any number of threads, one workspace for each slot."""

from pathlib import Path

import numpy as np
import onnx
import ROOT
from onnx import TensorProto, helper, numpy_helper

import onnx_bridge

# A model: two numbers of an event to a score. Any model of any framework will do.
weights = numpy_helper.from_array(np.array([[0.5], [-0.25]], np.float32), "weights")
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width]) for name, width in (("x", 2), ("y", 1)))
nodes = [helper.make_node("MatMul", ["x", "weights"], ["h"]), helper.make_node("Sigmoid", ["h"], ["y"])]
onnx.save(
    helper.make_model(helper.make_graph(nodes, "score", [x], [y], [weights]), opset_imports=[helper.make_opsetid("", 17)]), "score.onnx"
)

made = onnx_bridge.convert("score.onnx")
made.save("build")

# ROOT's interpreter reads the header. A slot is a thread's number: each has a workspace of its own.
folder = Path("build").resolve()
ROOT.gInterpreter.Declare(f"""
#include "{folder}/score.hxx"
struct Score {{
   onnx_bridge::score::Model model{{"{folder}/score.dat"}};
   std::vector<onnx_bridge::score::Workspace> workspaces;
   Score()
   {{
      for (unsigned i = 0; i < std::max(1u, ROOT::GetThreadPoolSize()); i++) workspaces.emplace_back(model);
   }}
   float operator()(unsigned slot, double pt, double eta)
   {{
      const float event[2] = {{static_cast<float>(pt), static_cast<float>(eta)}};
      float score = 0;
      model.infer(workspaces[slot], {{1}}, event, &score);
      return score;
   }}
}};
Score score;
""")

events = 10_000
frame = ROOT.RDataFrame(events).Define("pt", "rdfentry_ * 1e-3").Define("eta", "rdfentry_ % 7 - 3.")
columns = frame.Define("score", "score(rdfslot_, pt, eta)").AsNumpy(["pt", "eta", "score"])

alone = made.compile()(np.stack([columns["pt"], columns["eta"]], 1).astype(np.float32))[:, 0]
same = "the same" if (columns["score"] == alone).all() else "not the same"
print(f"{events} events, mean score {columns['score'].mean():.6f}, {same} in Python")

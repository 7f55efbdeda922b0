"""SOFIE's tutorials on inference and RDataFrame, written anew: from Python, event by event, and by SofieFunctor on columns."""

import numpy as np
import ROOT

from onnx_bridge import sofie as SOFIE  # SOFIE = ROOT.TMVA.Experimental.SOFIE

model = SOFIE.RModel("Higgs_trained_model")  # the tutorials parse a trained file; a network of the same form will do
rng = np.random.default_rng(0)
model.AddInputTensorInfo("x", SOFIE.ETensorType.FLOAT, [1, 7])
for name, shape in (("w1", (7, 64)), ("b1", (64,)), ("w2", (64, 1)), ("b2", (1,))):
    model.AddInitializedTensor["float"](name, shape, rng.normal(size=shape) / 4)
model.AddOperator(SOFIE.ROperator_Gemm["float"](1.0, 1.0, 0, 0, "x", "w1", "b1", "h", SOFIE.EActivationType.RELU))
model.AddOperator(SOFIE.ROperator_Gemm["float"](1.0, 1.0, 0, 0, "h", "w2", "b2", "z"))
model.AddOperator(SOFIE.ROperator_Sigmoid["float"]("z", "y"))
model.AddOutputTensorNameList(["y"])
model.Generate()
model.OutputGenerated("Higgs_trained_model_generated.hxx")

ROOT.gInterpreter.AddIncludePath(SOFIE.include_dir())  # where ROOT has no TMVA, as the wheel from PyPI: SofieFunctor
ROOT.gInterpreter.Declare('#include "Higgs_trained_model_generated.hxx"\n#include "TMVA/SOFIEHelpers.hxx"')
ROOT.gInterpreter.Declare(
    "auto sofie_functor = TMVA::Experimental::SofieFunctor<7, TMVA_SOFIE_Higgs_trained_model::Session>(0, "
    '"Higgs_trained_model_generated.dat");'
)
columns = ["m_jj", "m_jjj", "m_lv", "m_jlv", "m_bb", "m_wbb", "m_wwbb"]
frame = ROOT.RDataFrame(1000)
for index, column in enumerate(columns):
    frame = frame.Define(column, f"float(0.2 + 0.1 * ((rdfentry_ * {7 * index + 3}) % 17))")
found = frame.Define("DNN_Value", f"sofie_functor(rdfslot_, {', '.join(columns)})").AsNumpy([*columns, "DNN_Value"])

session = ROOT.TMVA_SOFIE_Higgs_trained_model.Session()
events = np.stack([found[column] for column in columns], 1).astype(np.float32)
alone = np.array([session.infer(event)[0] for event in events])
same = "the same" if (alone == found["DNN_Value"]).all() else "not the same"
print(f"{len(events)} events, mean score {alone.mean():.6f}, {same} by the functor")

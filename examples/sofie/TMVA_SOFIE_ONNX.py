"""SOFIE's tutorial on ONNX, written anew: PyTorch's own export is parsed, and a header made for one event."""

import numpy as np
import torch
from torch import nn

from onnx_bridge import sofie as SOFIE  # SOFIE = ROOT.TMVA.Experimental.SOFIE

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2), nn.Softmax(dim=1)).eval()
x = torch.randn(1, 32)
torch.onnx.export(
    model, (x,), "LinearModel.onnx", dynamo=True, external_data=False, input_names=["input"], output_names=["output"], verbose=False
)

parser = SOFIE.RModelParser_ONNX()
parsed = parser.Parse("LinearModel.onnx", False)
parsed.PrintInitializedTensors()
parsed.Generate()
parsed.OutputGenerated()

np.savetxt("LinearModel.txt", np.concatenate([x.numpy().reshape(-1), model(x).detach().numpy().reshape(-1)]))

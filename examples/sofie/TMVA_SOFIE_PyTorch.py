"""SOFIE's tutorial on PyTorch, written anew: a TorchScript file and the shape of its input are parsed, and what is in the model printed."""

import numpy as np
import torch
from torch import nn

from onnx_bridge import sofie as SOFIE  # SOFIE = ROOT.TMVA.Experimental.SOFIE

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU())
criterion, optimizer = nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.01)
x, y = torch.randn(2, 32), torch.randn(2, 8)
for _ in range(50):
    loss = criterion(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()
torch.jit.save(torch.jit.script(model), "PyTorchModel.pt")

parsed = SOFIE.PyTorch.Parse("PyTorchModel.pt", [[2, 32]])
parsed.Generate()
parsed.OutputGenerated("PyTorchModel.hxx")
parsed.PrintRequiredInputTensors()
parsed.PrintInitializedTensors()
parsed.PrintIntermediateTensors()
print("Tensor 0weight already exist:", parsed.CheckIfTensorAlreadyExist("0weight"))
print("Shape of tensor 0weight:", parsed.GetTensorShape("0weight"))
print("Data type of tensor 0weight:", SOFIE.ConvertTypeToString(parsed.GetTensorType("0weight")))

np.savetxt("PyTorchModel.txt", np.concatenate([x.numpy().reshape(-1), model(x).detach().numpy().reshape(-1)]))

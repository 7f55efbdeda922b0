"""A small network over sequences, trained in PyTorch, as a header that takes any number of sequences of any length."""

import numpy as np
import torch

import onnx_bridge


class Mean(torch.nn.Module):
    """Scores a sequence of points by the mean over what a recurrent layer makes of them."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = torch.nn.GRU(3, 8, batch_first=True)
        self.head = torch.nn.Linear(8, 1)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        states, _ = self.recurrent(points)
        return torch.sigmoid(self.head(states.mean(dim=1)))


torch.manual_seed(0)
model, sequences = Mean(), torch.randn(256, 10, 3)
wanted = (sequences[:, :, 0].mean(dim=1, keepdim=True) > 0).float()
optimizer = torch.optim.Adam(model.parameters(), 0.02)
for _ in range(20):
    optimizer.zero_grad()
    torch.nn.functional.binary_cross_entropy(model(sequences), wanted).backward()
    optimizer.step()
model.eval()

made = onnx_bridge.convert(
    model,
    name="mean",
    example_inputs=sequences[:2],
    dynamic={"points": {0: "batch", 1: "length"}},  # both are arguments of each call
)
print(made.report)
header = made.save("build")

net = made.compile()
with torch.no_grad():
    difference = max(np.abs(net(x) - model(x).numpy()).max() for x in (sequences, torch.randn(3, 25, 3)))
print(f"{header}: the largest difference from PyTorch is {difference:.1e}")

"""The zoo of PyTorch: functions, forms of inputs and outputs, control flow, and what is saved."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import torch
from torch import nn
from torch_cases import Do, Pair, integers, module_case

F = nn.functional
Point = namedtuple("Point", "first second")

#: Functions of one tensor [batch, 3, 6] that come out of a dense layer.
FUNCTIONS: dict[str, Any] = {
    "topk": lambda x: tuple(torch.topk(x, 2, dim=-1)), "sort": lambda x: torch.sort(x, dim=-1)[0], "argmax": lambda x: x.argmax(-1),
    "cumsum": lambda x: x.cumsum(1), "where": lambda x: torch.where(x > 0, x * 2, x.abs()), "clamp": lambda x: x.clamp(-0.3, 0.4),
    "std": lambda x: x.std(dim=-1), "variance": lambda x: x.var(dim=1, correction=0), "logsumexp": lambda x: x.logsumexp(-1),
    "einsum": lambda x: torch.einsum("bij,bkj->bik", x, x), "roll": lambda x: x.roll(1, -1), "flip": lambda x: x.flip(-1),
    "chunk": lambda x: torch.cat(x.chunk(2, -1)[::-1], -1), "split": lambda x: x.split([1, 2], 1),
    "stack": lambda x: torch.stack([x, -x], 1),
    "tril": lambda x: torch.tril(x), "norm": lambda x: x.norm(dim=-1), "permute": lambda x: x.permute(0, 2, 1).contiguous(),
    "expand": lambda x: x[:, :, None].expand(-1, -1, 2, -1) + 1, "repeat": lambda x: x.repeat(1, 2, 1),
    "gather": lambda x: x.gather(2, x.argsort(-1)),
    "scatter": lambda x: torch.zeros_like(x).scatter(2, x.argmax(-1, keepdim=True), 1.0), "index": lambda x: x[:, [2, 0]],
    "slice_assign": lambda x: torch.cat([x[:, :1] * 2, x[:, 1:]], 1), "pow": lambda x: x.abs() ** 1.5 + x**2,
    "remainder": lambda x: torch.remainder(x, 0.7),
    "floor_divide": lambda x: torch.floor_divide(x, 0.3), "atan2": lambda x: torch.atan2(x, x + 1), "erf": lambda x: torch.erf(x),
    "one_hot": lambda x: F.one_hot(x.argmax(-1), 6).float(), "interpolate": lambda x: F.interpolate(x, scale_factor=2.0, mode="linear"),
    "masked_fill": lambda x: x.masked_fill(x > 0.2, -1.0), "prod": lambda x: x.prod(-1), "any": lambda x: (x > 1).any(-1),
    "mean_dims": lambda x: x.mean((1, 2)), "amax": lambda x: x.amax(1), "rsqrt": lambda x: (x.square() + 1).rsqrt(),
    "diff": lambda x: x.diff(dim=-1),
    "linear_by_hand": lambda x: x @ torch.arange(12.0).reshape(6, 2) / 12, "glu": lambda x: F.glu(x),
    "softmax_2d": lambda x: F.softmax(x, dim=1),
    "shape": lambda x: x / x.shape[0] + x.shape[1], "flatten": lambda x: x.flatten(0, 1), "to_int": lambda x: (x * 3).to(torch.int64),
}  # fmt: skip

#: Of these PyTorch's exporter has no translation.
TRANSLATED: dict[str, Any] = {
    "median": lambda x: (*x.median(-1), x.median()), "cumprod": lambda x: x.cumprod(-1), "kthvalue": lambda x: x.kthvalue(2, 1),
    "cummax": lambda x: (*x.cummax(-1), *x.cummin(1)), "sort_stable": lambda x: x.round().sort(stable=True, descending=True),
    "searchsorted": lambda x: torch.searchsorted(torch.tensor([-0.5, 0.0, 0.3]), x, right=True), "copysign": lambda x: x.copysign(x - 0.2),
    "searchsorted_rows": lambda x: torch.searchsorted(x.sort(-1)[0], x + 0.1), "hypot": lambda x: torch.hypot(x, x + 1),
}  # fmt: skip

REFUSED = {
    "lgamma": (lambda x: x.abs().lgamma(), "prims.lgamma"), "digamma": (lambda x: x.abs().digamma(), "prims.digamma"),
}  # fmt: skip


class TwoInTwoOut(nn.Module):
    """Two inputs with their own layers, two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 6))
        self.table = nn.Linear(5, 6)
        self.energy, self.kind = nn.Linear(6, 1), nn.Linear(6, 3)

    def forward(self, image: torch.Tensor, table: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.tanh(self.image(image) * self.table(table))
        return self.energy(x), torch.softmax(self.kind(x), -1)


class Nested(nn.Module):
    """A dictionary that is the last positional argument."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, batch: dict[str, Any]) -> dict[str, Any]:
        y = self.layer(batch["points"][0]) - self.layer(batch["points"][1]) * 2
        return {"sum": y.sum(-1), "parts": (y, y * batch["weight"])}


class Keyword(nn.Module):
    """An argument that is given by name only, one that is no tensor, one that is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, x: torch.Tensor, power: int = 1, *, scale: torch.Tensor | None = None, shift: torch.Tensor | None = None) -> Any:
        y = self.layer(x) ** power
        return Point(y if scale is None else y * scale, y if shift is None else y + shift)


class Branch(nn.Module):
    """A branch of Python that depends on data, in what can be scripted."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        if bool(x.sum() > 0):
            return y * 2
        return -y


class Shared(nn.Module):
    """Layers that share weights, and one that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.tanh(self.first(torch.tanh(self.first(x)))))


class Residual(nn.Module):
    """A block of a residual net."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.body(x))


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 12), nn.SiLU(), nn.Linear(12, 4))


def cnn() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))


BOTH = {"a": (3,), "b": (3,)}

CASES = [
    *(module_case(f"f_{name}", lambda f=f: Do(f, nn.Linear(4, 6)), {"x": (3, 4)}) for name, f in {**FUNCTIONS, **TRANSLATED}.items()),
    *(
        module_case(f"f_{name}", lambda f=f: Do(f, nn.Linear(4, 6)), {"x": (3, 4)}, refused=why, reason="no operator of ONNX does this")
        for name, (f, why) in REFUSED.items()
    ),
    module_case("subtract", lambda: Pair(lambda a, b: a - 2 * b), BOTH),
    module_case("tied_examples", lambda: Pair(lambda a, b: a - 2 * b), BOTH, examples=lambda arrays: (arrays["a"], arrays["a"])),
    module_case("matmul", lambda: Pair(lambda a, b: a @ b.transpose(1, 2)), {"a": (3, 4), "b": (5, 4)}),
    module_case("maximum", lambda: Pair(lambda a, b: (torch.maximum(a, b), torch.minimum(a, b))), BOTH),
    module_case("compare", lambda: Pair(lambda a, b: (a > b, a == a, torch.logical_and(a > 0, b > 0))), BOTH),
    module_case("concatenate", lambda: Pair(lambda a, b: torch.cat([a, b], 1)), BOTH),
    module_case("integers", lambda: Pair(lambda a, b: (a * 3 - b, a // 2, a % 3)), {"a": integers(40, 3, low=-40), "b": integers(9, 3)}),
    module_case("integers_32", lambda: Pair(lambda a, b: a * 3 - b), dict.fromkeys("ab", integers(9, 3, dtype="int32"))),
    module_case("booleans", lambda: Pair(lambda a, b: a.float() * b), {"a": lambda rng, n: rng.random((n, 3)) < 0.5, "b": (3,)}),
    module_case("two_in_two_out", TwoInTwoOut, {"image": (1, 6, 6), "table": (5,)}),
    module_case(
        "by_name", TwoInTwoOut, {"image": (1, 6, 6), "table": (5,)}, examples=lambda a: {"table": a["table"], "image": a["image"]},
        call=lambda m, t: m(t["image"], t["table"]),
    ),
    module_case(
        "nested", Nested, {"batch_points_0": (3,), "batch_points_1": (3,), "batch_weight": (4,)},
        examples=lambda a: ({"points": (a["batch_points_0"], a["batch_points_1"]), "weight": a["batch_weight"]},),
        call=lambda m, t: m({"points": (t["batch_points_0"], t["batch_points_1"]), "weight": t["batch_weight"]}),
    ),
    module_case(
        "keyword_only", Keyword, {"x": (3,), "shift": (4,)}, examples=lambda a: {"x": a["x"], "power": 2, "shift": a["shift"]},
        call=lambda m, t: m(t["x"], 2, shift=t["shift"]),
    ),
    module_case("fixed_batch", mlp, {"input": lambda rng, n: np.full((3, 5), n / 5, "f")}, dynamic={"input": {}}),
    module_case("example_of_one", cnn, {"input": (2, 8, 8)}, batch=1),
    module_case("branch", Branch, {"x": (3,)}, operators=["If"]),
    module_case("branch_scripted", Branch, {"x": (3,)}, saved="script", operators=["If"]),
    module_case("shared_weights", Shared, {"x": (4,)}),
    module_case("residual", Residual, {"x": (4, 6, 6)}),
    module_case("training_mode", lambda: Training(), {"x": (5,)}),
    *(module_case(f"mlp_{saved}", mlp, {"input": (5,)}, saved=saved) for saved in ("script", "trace", "pt2", "program")),
    *(module_case(f"cnn_{saved}", cnn, {"input": (2, 8, 8)}, saved=saved) for saved in ("script", "trace", "pt2", "program")),
    *(
        module_case(f"two_in_two_out_{saved}", TwoInTwoOut, {"image": (1, 6, 6), "table": (5,)}, saved=saved)
        for saved in ("script", "trace", "pt2")
    ),
    module_case(
        "embedding_pt2", lambda: nn.Sequential(nn.Embedding(7, 4), nn.Flatten(), nn.Linear(12, 2)), {"input": integers(7, 3)}, saved="pt2"
    ),
    module_case("logsigmoid_script", lambda: nn.Sequential(nn.Linear(5, 4), nn.LogSigmoid()), {"input": (5,)}, saved="script"),
    module_case("softplus_threshold_trace", lambda: nn.Sequential(nn.Linear(5, 4), nn.Softplus(2, 3)), {"input": (5,)}, saved="trace"),
    module_case("avg_pool_divisor_trace", lambda: nn.AvgPool2d(2, divisor_override=3), {"input": (2, 6, 6)}, saved="trace"),
    module_case("rms_norm_trace", lambda: nn.Sequential(nn.Linear(5, 6), nn.RMSNorm(6)), {"input": (5,)}, saved="trace"),
    module_case("floor_divide_trace", lambda: Do(lambda x: torch.floor_divide(x, 0.3), nn.Linear(5, 6)), {"x": (5,)}, saved="trace"),
    module_case(
        "floor_divide_integers_trace", lambda: Pair(lambda a, b: (a // b, a // 3)),
        {"a": integers(40, 3, low=-40), "b": integers(9, 3, low=1)}, saved="trace",
    ),
]  # fmt: skip


class Training(nn.Module):
    """Dropout and batch normalisation that only inference mode makes constant."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)

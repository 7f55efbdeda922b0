"""Graphs inside graphs, written down as text, against onnxruntime: what they read from outside, hand on, swap, give back as it is."""

from __future__ import annotations

import numpy as np
import onnx
from check import Prepared, compile_all, oracle

from onnx_bridge import convert
from onnx_bridge.operators.cases import case

#: x, z [2, 3] floats; b a bool; m an int64. Each input is there if it is named.
IN = {"x": "float[N,3] x", "z": "float[N,3] z", "b": "bool b", "m": "int64 m"}
LOOP = "y = Loop (m, , x) <body = l (int64 i, bool c, float[N,3] a)"
SWAP = "float[N,3] a, float[N,3] k) => (bool c,"

#: What is read, what is given, and the nodes.
GRAPHS = {
    "a branch gives an outer tensor": (
        "xzb", "float[N,3] y",
        "y = If (b) <then_branch = t () => (float[N,3] r) { r = Identity(x) }, else_branch = e () => (float[N,3] r) { r = Identity(z) }>",
    ),
    "a branch gives a constant": (
        "xb", "float[1,2] y",
        "y = If (b) <then_branch = t () => (float[1,2] k) <float[1,2] k = {1, 2}> {},"
        "  else_branch = e () => (float[1,2] k) { k = Constant<value = float[1,2] {3, 4}>() }>",
    ),
    "branches give a tensor twice": (
        "xb", "float[N,3] y, float[N,3] w",
        "y, w = If (b) <then_branch = t () => (float[N,3] r, float[N,3] r2) { r = Exp(x) r2 = Identity(r) },"
        "  else_branch = e () => (float[N,3] r, float[N,3] h) { r = Neg(x) h = Identity(x) }>",
    ),
    "a carried tensor becomes an outer one": ("xzm", "float[N,3] y", f"{LOOP} => (bool c, float[N,3] d) {{ d = Identity(z) }}>"),
    "a carried tensor becomes a constant": (
        "xm", "float[2,3] y", f"{LOOP} => (bool c, float[2,3] k) <float[2,3] k = {{1, 2, 3, 4, 5, 6}}> {{}}>",
    ),
    "initial values are read later": ("xm", "float[N,3] w", f"{LOOP} => (bool c, float[N,3] d) {{ d = Mul(a, x) }}> w = Add(y, x)"),
    "a swap by Identity": (
        "xzm", "float[N,3] p, float[N,3] q",
        f"p, q = Loop (m, , x, z) <body = l (int64 i, bool c, {SWAP} float[N,3] k2, float[N,3] a2)"
        " { k2 = Identity(k) a2 = Identity(a) }>",
    ),
    "a swap of one that is used": (
        "xm", "float[N,3] p, float[N,3] q",
        f"p, q = Loop (m, , x, x) <body = l (int64 i, bool c, {SWAP} float[N,3] s, float[N,3] a) {{ s = Sub(k, a) }}>",
    ),
    "two that become one": (
        "xzm", "float[N,3] p, float[N,3] q",
        f"p, q = Loop (m, , x, z) <body = l (int64 i, bool c, {SWAP} float[N,3] s, float[N,3] s) {{ s = Sub(a, k) }}>",
    ),
    "unchanged, by Identity": (
        "xzm", "float[N,3] p, float[N,3] q",
        f"h = Exp(z) p, q = Loop (m, , x, h) <body = l (int64 i, bool c, {SWAP} float[N,3] s, float[N,3] k2)"
        " { s = Add(a, k) k2 = Identity(k) }>",
    ),
    "views of each other": (
        "xzm", "float[N,3] p, float[1,N,3] q",
        "w = Unsqueeze(z, o) p, q = Loop (m, , x, w) <body = l (int64 i, bool c, float[N,3] a, float[1,N,3] k) =>"
        " (bool c, float[N,3] k2, float[1,N,3] a2) { k2 = Squeeze(k, o) a2 = Unsqueeze(a, o) }>",
    ),
    "scan outputs of everything": (
        "xm", "float[N,3] y, int64[T] turns, float[T,N,3] outer, float[T,N,3] before, float[T,N,3] after, float[T,2] fixed",
        "y, turns, outer, before, after, fixed = Loop (m, , x) <body = l (int64 i, bool c, float[N,3] a) =>"
        " (bool c, float[N,3] d, int64 j, float[N,3] x2, float[N,3] a2, float[N,3] d2, float[2] k) <float[2] k = {1, 2}>"
        " { d = Add(a, a) j = Identity(i) x2 = Identity(x) a2 = Identity(a) d2 = Identity(d) }>",
    ),
    "outputs that nobody reads": (
        "xm", "float[N,3] y",
        "y, u, s = Loop (m, , x, x) <body = l (int64 i, bool c, float[N,3] a, float[N,3] k) =>"
        " (bool c, float[N,3] d, float[N,3] e, float[N,3] f) { d = Add(a, k) e = Neg(a) f = Exp(a) }>",
    ),
    "a condition that is false at first": ("xbm", "float[N,3] y", "y = Loop (m, b, x) <body = l (int64 i, bool c, float[N,3] a) =>"
        " (bool c, float[N,3] d) { d = Add(a, x) }>"),
    "a condition that ends it": ("xbm", "float[N,3] y", "y = Loop (m, b, x) <body = l (int64 i, bool c, float[N,3] a) =>"
        " (bool on, float[N,3] d) { on = Not(c) d = Add(a, x) }>"),
    "one turn only": ("x", "float[N,3] y, float[T,N,3] s", "y, s = Loop (three, , x) <body = l (int64 i, bool c, float[N,3] a) =>"
        " (bool no, float[N,3] d, float[N,3] e) <bool no = {0}> { d = Add(a, x) e = Neg(a) }>"),
    "no turn": ("x", "float[N,3] y, float[T,N,3] s", "y, s = Loop (three, no, x) <body = l (int64 i, bool c, float[N,3] a) =>"
        " (bool c, float[N,3] d, float[N,3] e) { d = Add(a, x) e = Neg(a) }>"),
    "an If that gives what is carried": (
        "xbm", "float[N,3] y",
        f"{LOOP} => (bool c, float[N,3] d) {{ r = Mod(i, two) f = Equal(r, one) d = If (f) <"
        " then_branch = t () => (float[N,3] a2) { a2 = Identity(a) }, else_branch = e () => (float[N,3] u) { u = Add(a, x) }> }>",
    ),
    "a Loop in an If in a Loop": (
        "xbm", "float[N,3] y",
        f"h = Exp(x) {LOOP} => (bool c, float[N,3] d) {{ k = Neg(a) d = If (b) <then_branch = t () => (float[N,3] v) {{ v = Sub(k, h) }},"
        " else_branch = e () => (float[N,3] v) { v = Loop (i, , k) <body = q (int64 i2, bool c2, float[N,3] a2) =>"
        " (bool c2, float[N,3] d2) { p = Mul(a2, h) d2 = Add(p, a) }> }> }>",
    ),
    "a Scan in an If": (
        "xb", "float[3] y",
        "y = If (b) <then_branch = t () => (float[3] v) { v, rest = Scan <num_scan_inputs = 1, body = l (float[3] a, float[3] r) =>"
        " (float[3] n, float[3] q) { n = Add(a, r) q = Neg(n) }> (zeros, x) },"
        " else_branch = e () => (float[3] v) { v = ReduceMax<axes = [0], keepdims = 0>(x) }>",
    ),
    "a Scan in a Loop": (
        "xm", "float[N,3] y",
        f"{LOOP} => (bool c, float[N,3] d) {{ s, d = Scan <num_scan_inputs = 1, body = q (float[3] e, float[3] r) =>"
        " (float[3] n, float[3] k) { n = Add(e, r) k = Mul(n, r) }> (zeros, a) }>",
    ),
    "same names in two bodies": (
        "xm", "float[N,3] y, float[N,3] w",
        f"{LOOP} => (bool c, float[N,3] d) <float k = {{2}}> {{ d = Mul(a, k) }}>"
        f"w{LOOP[1:]} => (bool c, float[N,3] d) <float k = {{3}}> {{ d = Add(a, k) }}>",
    ),
    "an outer tensor is not computed in its place": (
        "xm", "float[N,3] y", f"h = Exp(x) {LOOP} => (bool c, float[N,3] d) {{ k = Neg(h) e = Mul(k, a) d = Softmax(e) }}>",
    ),
    "blocked channels are carried": (
        "xm", "float[1,20,N,3] y",
        "x4 = Unsqueeze(x, o2) h = Conv<pads = [1, 1, 1, 1]>(x4, filters) "
        "k = Loop (m, , h) <body = l (int64 i, bool c, float[1,20,N,3] a) =>"
        " (bool c, float[1,20,N,3] d) { e = Conv<group = 20, pads = [1, 1, 1, 1]>(a, filters) d = Add(e, h) }>"
        " y = Conv<group = 20, pads = [1, 1, 1, 1]>(k, filters)",
    ),
}  # fmt: skip

CONSTANTS = (
    "int64 one = {1}, "
    "int64 two = {2}, int64 three = {3}, bool no = {0}, int64[1] o = {0}, int64[2] o2 = {0, 1}, float[3] zeros = {0, 0, 0}, "
    f"float[20,1,3,3] filters = {{{', '.join(str((7 * k % 11 - 5) / 16) for k in range(180))}}}"
)

X = np.array([[1, -2, 3], [-0.5, 0.25, -1]], np.float32)


def model_of(reads: str, gives: str, nodes: str) -> onnx.ModelProto:
    text = f"g ({', '.join(IN[name] for name in reads)}) => ({gives}) <{CONSTANTS}> {{ {nodes} }}"
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}')


def test_graphs_in_graphs() -> None:
    """Every graph, in one library, with both values of a bool and several numbers of turns."""
    models = {label: model_of(*written) for label, written in GRAPHS.items()}
    headers = [
        Prepared(f"graph_{i}", case(), model, convert(model, name=f"graph_{i}", verify=False).emitted, [])
        for i, model in enumerate(models.values())
    ]
    for (label, model), net in zip(
        models.items(), compile_all(headers, flags=("-O0", "-Wall", "-Wextra", "-Wshadow", "-Werror")), strict=True
    ):
        session = oracle(model)
        names = [value.name for value in model.graph.input]
        for turns in (0, 1, 2, 5) if "m" in names else (0,):
            if turns == 0 and "int64" in GRAPHS[label][1]:
                continue  # onnxruntime gives scan outputs of no turns sizes of its own
            for bit in (True, False) if "b" in names else (True,):
                every = {"x": X, "z": X[::-1] * 2, "b": np.array(bit), "m": np.array(turns)}
                feeds = {name: every[name] for name in names}
                for ours, theirs in zip(net.run(feeds), session.run(None, feeds), strict=True):
                    assert ours.dtype == theirs.dtype, (label, turns, bit)
                    if ours.size or theirs.size:
                        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=f"{label}, {turns} turns, {bit}")

"""lstm.hxx, gru.hxx, rnn.hxx: recurrent layers, whose weights lie alike (recurrent.hxx)."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float64
from onnx_bridge.ir.tensor import BLOCK
from onnx_bridge.kernels.product import whole_panels
from onnx_bridge.library.kernel import Kernel, Packing

#: Weights [D, G, H, K]: the gates interleaved by groups of 16 units, then in panels of 16 columns.
GATES = Packing("D G H K", "D H/16 G K H%16", "D_ * whole_panels(H) * G * K + panels_at(K, K_, gate_column(G, G_, H_))")


def pack_reset(r: np.ndarray) -> np.ndarray:
    """R [D, 3, H, H] of gru() where the reset comes before the product: z and r interleaved, the candidate behind them; [D][panels][H][16].

    Where each element lies is reset_at() of packing.hxx.
    """
    d, _, _, k = r.shape
    return np.concatenate([GATES.pack(part).reshape(d, -1, k, BLOCK) for part in (r[:, :2], r[:, 2:])], axis=1)


def _scratch(steps: Size, batch: Size, units: Size, gates: int, states: int) -> Size:
    """The projected inputs of as many steps as make about 96 rows, and `states` rows of a state for each row of the batch."""
    rows = dims.minimum(steps * batch, dims.maximum(96, batch))
    return whole_panels(units) * (rows * gates + states * batch)


def lstm_scratch(steps: Size, batch: Size, units: Size) -> Size:
    """Of one direction or two."""
    return _scratch(steps, batch, units, gates=4, states=7)


def gru_scratch(steps: Size, batch: Size, units: Size) -> Size:
    """Of one direction or two, on either side of the reset."""
    return _scratch(steps, batch, units, gates=3, states=6)


def rnn_scratch(steps: Size, batch: Size, units: Size) -> Size:
    """Of one direction or two."""
    return _scratch(steps, batch, units, gates=1, states=3)


def recurrent_doubles_scratch(units: Size) -> Size:
    """Five doubles for each unit, of any layer."""
    return 10 * units


LSTM = Kernel("lstm", "lstm.hxx", packing=GATES, scratch=lstm_scratch)
GRU = Kernel("gru", "gru.hxx", packing=GATES, scratch=gru_scratch)
RNN = Kernel("rnn", "rnn.hxx", packing=GATES, scratch=rnn_scratch)

#: In double precision, by weights as ONNX has them.
LSTM_DOUBLES = Kernel("lstm_doubles", "recurrent_doubles.hxx", types=(float64,), scratch=recurrent_doubles_scratch)
GRU_DOUBLES = Kernel("gru_doubles", "recurrent_doubles.hxx", types=(float64,), scratch=recurrent_doubles_scratch)
RNN_DOUBLES = Kernel("rnn_doubles", "recurrent_doubles.hxx", types=(float64,), scratch=recurrent_doubles_scratch)

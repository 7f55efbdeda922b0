"""For those whose events lie in awkward arrays: a network on jagged columns, in coffea's processors too.

    from onnx_bridge.engines import jagged

    net = onnx_bridge.convert("jets.onnx").compile()
    scores = jagged(net, [events.Jet.pt, events.Jet.eta, events.MET.pt])  # a number for each jet, in its event's list

Other engines need nothing from here: what `compile()` returns is called inside functions of numba, travels to workers of Dask, Ray and
Spark, and takes arrays there. Awkward is not a dependency of this package; it is imported when a function here is called.
"""

from onnx_bridge.engines.columns import jagged

__all__ = ["jagged"]

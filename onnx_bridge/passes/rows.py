"""Products with constant weights work on rows: what joins or transposes the axes in front may as well stand on their other side."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.links import Links
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Type
from onnx_bridge.library.moving import Reshaping
from onnx_bridge.operators.gemm import Gemm
from onnx_bridge.operators.matmul import MatMul
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.reshape import reshape_to
from onnx_bridge.operators.transpose import Transpose
from onnx_bridge.passes.base import Pass

Add = TABLE["Add"]


class Rows(Pass):
    """
    1. Gemm with constants between a view that joins the axes in front of the rows and one that parts them again: MatMul and Add over those
       axes themselves.
    2. A Transpose that leaves the last axis where it is, behind MatMul and pointwise operators with constants, in front of which another
       Transpose stands (and views): it comes first, too, where both may become one.
    """

    name = "rows"
    takes = gives = Dialect.ONNX

    def call(self, model: RModel) -> bool:
        changed, links = False, Links(model)
        for op in list(model.operators):
            if isinstance(op, Gemm):
                changed |= self.parted(model, op, links)
        for op in list(model.operators):
            if isinstance(op, Transpose):
                changed |= self.hoisted(model, op, links)
        return changed

    @staticmethod
    def parted(model: RModel, op: Gemm, links: Links) -> bool:
        x, w, c = op.arguments(3)
        assert x is not None and w is not None
        before, readers = links.producers.get(x), links.readers(op.y)
        if not isinstance(before, Reshaping) or len(readers) != 1 or not isinstance(readers[0], Reshaping) or op.y in model.outputs:
            return False
        after = readers[0]
        if op.transA or op.alpha != 1 or (c is not None and op.beta != 1) or not w.is_constant or w.dtype is not float32:
            return False
        if c is not None and not (c.is_constant and c.count in (1, op.y.shape[1]) and (c.rank == 0 or c.shape[-1] == c.count)):
            return False
        if after.y.rank < 3 or after.y.shape[-1] != op.y.shape[1] or dims.product(after.y.shape[:-1]) != x.shape[0]:
            return False
        weights = np.ascontiguousarray(w.constant().T) if op.transB else w.constant()
        rows = model.new_tensor(f"{x.name}_rows", Type(float32, (*after.y.shape[:-1], x.shape[1])))
        view = reshape_to(f"{op.title()} rows", before.x, rows)
        product = MatMul.make(op.name, op.opset).between([view.y, model.new_constant(f"{w.name}_rows", weights)], [after.y])
        added: list[ROperator] = [view, product]
        if c is not None:
            product.outputs = [model.new_tensor(f"{op.y.name}_product", after.y.type)]
            bias = model.new_constant(f"{c.name}_row", c.constant().reshape(-1))
            added.append(Add.make(f"{op.title()} bias").between([product.y, bias], [after.y]))
        place = model.operators.index(after)
        model.operators[place : place + 1] = added
        model.operators.remove(op)
        links.goes(op, after)
        links.comes(*added)
        return True

    @staticmethod
    def hoisted(model: RModel, op: Transpose, links: Links) -> bool:
        order = op.order(op.x)
        if order[-1:] != [op.x.rank - 1] or order == sorted(order):
            return False
        producers, consumers = links.producers, links.consumers
        chain: list[ROperator] = []
        tensor, reader = op.x, op
        while consumers.get(tensor) == [reader] and tensor not in model.outputs:
            maker = producers.get(tensor)
            inner = None if maker is None else maker.row_wise()
            if maker is None or inner is None:
                break
            chain.append(maker)
            tensor, reader = inner, maker  # type: ignore[assignment]
        if not any(isinstance(maker, MatMul) for maker in chain) or consumers.get(tensor) != [reader]:
            return False
        source = producers.get(tensor)
        while isinstance(source, Reshaping):
            source = producers.get(source.x)
        if not isinstance(source, Transpose):
            return False
        turned = model.new_tensor(f"{tensor.name}_turned", Type(tensor.dtype, tuple(tensor.shape[axis] for axis in order)))
        first = Transpose.make(op.name, perm=order).between([tensor], [turned])
        links.goes(op, *chain)
        model.operators.insert(model.operators.index(chain[-1]), first)
        before = tensor
        for maker in reversed(chain):
            maker.inputs = [turned if t is before else t for t in maker.inputs]
            before = maker.y
            turned = model.new_tensor(f"{before.name}_turned", Type(before.dtype, tuple(before.shape[axis] for axis in order)))
            maker.outputs = [turned]
        chain[0].outputs = [op.y]
        model.operators.remove(op)
        links.comes(first, *chain)
        return True

"""TfIdfVectorizer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, int32, int64, string
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.texts import table
from onnx_bridge.operators.cases import case, data, given

_MODES = ("TF", "IDF", "TFIDF")


@operator("TfIdfVectorizer", since=9)
class TfIdfVectorizer(ROperator):
    """y[.., column] = how often an n-gram of the pool is in each row of x, 1 or 0 in mode IDF; times the column's weight but in mode TF.

    The items of an n-gram may be up to `max_skip_count` others apart, each the same number.
    """

    kernels = ("text.hxx",)
    computes = ((string, int32, int64),)

    max_gram_length: int = attribute()
    max_skip_count: int = attribute()
    min_gram_length: int = attribute()
    mode: str = attribute()
    ngram_counts: list[int] = attribute()
    ngram_indexes: list[int] = attribute()
    pool_int64s: list[int] | None = attribute(None)
    pool_strings: list[str] | None = attribute(None)
    weights: list[float] | None = attribute(None)

    def types(self, x: Tensor) -> Type:
        if self.mode not in _MODES:
            raise ShapeError(f"mode must be one of {', '.join(_MODES)}, got {self.mode!r}")
        if x.rank not in (1, 2):
            raise ShapeError(f"x must be [C] or [N, C], got {x.type}")
        if not 1 <= self.min_gram_length <= self.max_gram_length or self.max_skip_count < 0:
            raise ShapeError(f"n-grams of {self.min_gram_length} to {self.max_gram_length} items, {self.max_skip_count} skipped, are none")
        if (self.pool_strings is None) != (x.dtype is not string) or (self.pool_int64s is None) == (self.pool_strings is None):
            raise ShapeError(f"a pool of the type of x, {x.dtype}, must be given, and no other")
        self.grams()
        if self.weights is not None and len(self.weights) < self.columns and self.mode != "TF":
            raise ShapeError(f"{len(self.weights)} weights are given for {self.columns} columns")
        return Type(float32, (*x.shape[:-1], self.columns))

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return max(self.ngram_indexes, default=-1) + 1

    def grams(self) -> list[tuple[Any, ...]]:
        """The n-grams of the pool, each as its items."""
        pool: Sequence[Any] = self.pool_int64s if self.pool_strings is None else self.pool_strings  # type: ignore[assignment]
        if not self.ngram_counts or any(a > b for a, b in pairwise([0, *self.ngram_counts, len(pool)])):
            raise ShapeError(f"ngram_counts must ascend within the pool's {len(pool)} items, got {self.ngram_counts}")
        found = []
        for length, (begin, end) in enumerate(pairwise([*self.ngram_counts, len(pool)]), 1):
            if (end - begin) % length:
                raise ShapeError(f"{end - begin} items of the pool are no {length}-grams")
            found += [tuple(pool[i : i + length]) for i in range(begin, end, length)]
        if len(found) != len(self.ngram_indexes) or min(self.ngram_indexes, default=0) < 0:
            raise ShapeError(f"ngram_indexes must name a column for each of {len(found)} n-grams")
        return found

    def tree(self, vocabulary: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """The n-grams as a tree, see `NGrams` of the kernel: keys of edges in ascending order, and their columns."""
        item_of = {item: index for index, item in enumerate(vocabulary)}
        children: list[dict[int, int]] = [{}]
        column: list[int] = [-1]
        for gram, index in zip(self.grams(), self.ngram_indexes, strict=True):
            node = 0
            if len(gram) > self.max_gram_length or len(gram) < self.min_gram_length:
                continue
            for item in gram:
                node = children[node].setdefault(item_of[item], len(children))
                if node == len(children):
                    children.append({})
                    column.append(-1)
            column[node] = index
        # Node numbers follow the order of the edges: level by level, each level's edges ascend with the numbers of the level before.
        keys, columns, level, number = list[int](), list[int](), [0], {0: 0}
        while level:
            following = []
            for node in level:
                for item, child in sorted(children[node].items()):
                    keys.append(number[node] * max(1, len(vocabulary)) + item)
                    columns.append(column[child])
                    number[child] = len(keys)
                    following.append(child)
            level = following
        return np.array(keys, np.int64), np.array(columns, np.int32)

    def scratch_bytes(self) -> Size:
        return 8 * self.x.shape[-1]

    def emit(self, cpp: Writer) -> None:
        vocabulary = sorted({item for gram in self.grams() for item in gram}, key=lambda i: i.encode() if isinstance(i, str) else i)
        keys, columns = self.tree(vocabulary)
        name = self.title()
        if self.x.dtype is string:
            items = table(cpp, f"{name} vocabulary", vocabulary)
        else:
            numbers = np.array(vocabulary or [0], np.int64)
            items = f"NumberTable<std::int64_t>{{{cpp.weight(f'{name} vocabulary', numbers)}, {len(vocabulary)}}}"
        arrays = [cpp.weight(f"{name} {what}", a if a.size else np.zeros(1, a.dtype)) for what, a in (("keys", keys), ("columns", columns))]
        numbers_of = [keys.size, max(1, len(vocabulary)), self.min_gram_length, self.max_gram_length, self.max_skip_count]
        grams = f"NGrams{{{', '.join([*arrays, *map(str, numbers_of)])}}}"
        weighted = self.weights is not None and self.mode != "TF" and self.columns > 0
        weights = cpp.weight(f"{name} weights", np.array(self.weights[: self.columns], np.float32)) if weighted else None  # type: ignore[index]
        rows = self.x.shape[0] if self.x.rank == 2 else 1
        scratch = f"reinterpret_cast<std::int64_t*>({cpp.scratch()})"
        cpp.call("count_ngrams", rows, self.x.shape[-1], self.columns, items, grams, self.mode == "IDF", weights, self.x, self.y, scratch)

    _POOL = {
        "ngram_counts": [0, 4], "ngram_indexes": [0, 1, 2, 3, 4, 5, 6], "pool_int64s": [2, 3, 5, 4, 5, 6, 7, 8, 6, 7],
        "weights": [0.5, 2.0, 3.0, 1.5, -1.0, 4.0, 0.25],
    }  # fmt: skip
    _WORDS = {"ngram_counts": [0, 2], "ngram_indexes": [2, 0, 1], "pool_strings": ["b", "a", "a", "b"], "min_gram_length": 1}
    cases = (
        case(
            x=given([1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8], "int32"),
            attributes={**_POOL, "mode": "TF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 5},
        ),
        case(
            x=data("N", 9, dtype="int64", low=2, high=9),
            attributes={**_POOL, "mode": "TFIDF", "min_gram_length": 2, "max_gram_length": 2, "max_skip_count": 1},
        ),
        case(
            x=data("N", 9, dtype="int64", low=2, high=9),
            attributes={**_POOL, "mode": "IDF", "min_gram_length": 1, "max_gram_length": 1, "max_skip_count": 0},
        ),
        case(
            x=given([["a", "b", "a", "c"], ["c", "b", "", "b"]], "str"),
            attributes={**_WORDS, "mode": "TF", "max_gram_length": 2, "max_skip_count": 1},
        ),
        case(x=data(3, 5, dtype="str"), attributes={**_WORDS, "mode": "IDF", "max_gram_length": 2, "max_skip_count": 0}),
    )

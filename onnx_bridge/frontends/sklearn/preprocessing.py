"""Scalers, encoders, imputers, and what projects."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.graph import ML
from onnx_bridge.frontends.sklearn.context import Context, Made, converts, of_matrix
from onnx_bridge.frontends.table import Column

_ZERO, _ONE = np.float64(0), np.float64(1)
_NAN = np.float64(np.nan)


@of_matrix("StandardScaler", "RobustScaler")
def scaler(c: Context, model: Any, x: str) -> Made:
    """(x - middle) / scale."""
    middle = getattr(model, "mean_", None) if type(model).__name__ == "StandardScaler" else model.center_
    centred = model.with_mean if type(model).__name__ == "StandardScaler" else model.with_centering
    if centred and middle is not None:
        x = c.g.add("Sub", x, np.asarray(middle, np.float64))
    if model.scale_ is not None:
        x = c.g.add("Div", x, np.asarray(model.scale_, np.float64))
    return {"transform": c.numbers(x, model.n_features_in_)}


@of_matrix("MinMaxScaler")
def min_max_scaler(c: Context, model: Any, x: str) -> Made:
    """x * scale + min."""
    x = c.g.add("Add", c.g.add("Mul", x, np.asarray(model.scale_, np.float64)), np.asarray(model.min_, np.float64))
    if model.clip:
        x = c.g.add("Clip", x, *(np.float64(end) for end in model.feature_range))
    return {"transform": c.numbers(x, model.n_features_in_)}


@of_matrix("MaxAbsScaler")
def max_abs_scaler(c: Context, model: Any, x: str) -> Made:
    """x / scale."""
    return {"transform": c.numbers(c.g.add("Div", x, np.asarray(model.scale_, np.float64)), model.n_features_in_)}


@of_matrix("Normalizer")
def normalizer(c: Context, model: Any, x: str) -> Made:
    """Rows of norm 1; a row of zeros stays one."""
    norm = {"l1": "ReduceL1", "l2": "ReduceL2", "max": "ReduceMax"}[model.norm]
    size = c.g.reduce(norm, c.g.add("Abs", x) if model.norm == "max" else x, 1)
    size = c.g.add("Where", c.g.add("Equal", size, _ZERO), _ONE, size)
    return {"transform": c.numbers(c.g.add("Div", x, size), model.n_features_in_)}


@of_matrix("Binarizer")
def binarizer(c: Context, model: Any, x: str) -> Made:
    """1 above the threshold."""
    made = c.g.cast(c.g.add("Greater", x, np.float64(model.threshold)), np.float64)
    return {"transform": c.numbers(made, model.n_features_in_)}


@of_matrix("PowerTransformer")
def power_transformer(c: Context, model: Any, x: str) -> Made:
    """Box and Cox, or Yeo and Johnson, column by column; then scaled."""
    parts = []
    for column, power in enumerate(np.asarray(model.lambdas_, np.float64)):
        one = c.g.columns(x, [column])
        if model.method == "box-cox":
            parts.append(_box_cox(c, one, power))
            continue
        positive = c.g.add("GreaterOrEqual", one, _ZERO)
        above = _box_cox(c, c.g.add("Add", c.g.add("Where", positive, one, _ZERO), _ONE), power)
        below = _box_cox(c, c.g.add("Sub", _ONE, c.g.add("Where", positive, _ZERO, one)), 2 - power)
        parts.append(c.g.add("Where", positive, above, c.g.add("Neg", below)))
    made = c.g.concat(parts)
    if model.standardize:
        return scaler(c, internals_scaler(model), made)
    return {"transform": c.numbers(made, model.n_features_in_)}


def internals_scaler(model: Any) -> Any:
    """The scaler behind a PowerTransformer."""
    from onnx_bridge.frontends.sklearn import internals

    return internals.scaler_of(model)


def _box_cox(c: Context, x: str, power: float) -> str:
    if abs(power) < np.spacing(1.0):
        return str(c.g.add("Log", x))
    return str(c.g.add("Div", c.g.add("Sub", c.g.add("Pow", x, np.float64(power)), _ONE), np.float64(power)))


@of_matrix("PolynomialFeatures")
def polynomial_features(c: Context, model: Any, x: str) -> Made:
    """Products of columns, each made of a smaller one."""
    least, most = model.degree if isinstance(model.degree, tuple) else (0, model.degree)
    choose = combinations if model.interaction_only else combinations_with_replacement
    features = model.n_features_in_
    before: dict[tuple[int, ...], int] = {(column,): column for column in range(features)}
    parts, value = [], x
    if model.include_bias:
        parts.append(
            c.g.add("Add", c.g.add("Mul", c.g.add("Where", c.g.add("IsNaN", c.g.columns(x, [0])), _ZERO, c.g.columns(x, [0])), _ZERO), _ONE)
        )
    for degree in range(1, most + 1):
        if degree > 1:
            found = [*choose(range(features), degree)]
            if not found:
                break
            left = c.g.columns(value, [before[one[:-1]] for one in found])
            value = c.g.add("Mul", left, c.g.columns(x, [one[-1] for one in found]))
            before = {one: place for place, one in enumerate(found)}
        if degree >= max(least, 1):
            parts.append(value)
    return {"transform": c.numbers(c.g.concat(parts), model.n_output_features_)}


@of_matrix("PCA", "IncrementalPCA", "FastICA")
def pca(c: Context, model: Any, x: str) -> Made:
    """(x - mean) @ components, whitened where asked."""
    components = np.asarray(model.components_, np.float64)
    if model.whiten and hasattr(model, "explained_variance_"):
        scale = np.sqrt(np.asarray(model.explained_variance_, np.float64))
        components = components / np.maximum(scale, np.finfo(np.float64).eps)[:, None]
    x = c.g.add("Sub", x, np.asarray(model.mean_, np.float64)) if model.mean_ is not None else x
    return {"transform": c.numbers(c.g.add("MatMul", x, components.T), len(components))}


@of_matrix("TruncatedSVD", "GaussianRandomProjection", "SparseRandomProjection")
def projection(c: Context, model: Any, x: str) -> Made:
    """x @ components."""
    components = model.components_.toarray() if hasattr(model.components_, "toarray") else model.components_
    return {"transform": c.numbers(c.g.add("MatMul", x, np.asarray(components, np.float64).T), len(components))}


@of_matrix("SelectorMixin")
def selector(c: Context, model: Any, x: str) -> Made:
    """Some columns."""
    kept = np.flatnonzero(model.get_support())
    return {"transform": c.numbers(c.g.columns(x, kept.tolist()), len(kept))}


# ---- what takes texts as well


def _split(c: Context, columns: list[Column]) -> list[Column]:
    """Columns one by one."""
    return [
        Column(c.g.columns(column.value, [place], column.width), 1, column.text, column.dtype)
        for column in columns for place in range(column.width)
    ]  # fmt: skip


def _same(c: Context, column: Column, values: np.ndarray) -> str:
    """[rows][values]: whether a column is each of some values; NaN is NaN."""
    if column.text:
        words, codes = [str(value) for value in values], [*range(len(values))]
        code = c.g.add("LabelEncoder", column.value, domain=ML, keys_strings=words, values_int64s=codes, default_int64=-1)
        return str(c.g.add("Equal", code, np.array([codes], np.int64)))
    x = c.matrix([column])
    numbers = np.asarray(values, np.float64)
    same = c.g.add("Equal", x, numbers[None])
    if np.isnan(numbers).any():
        same = c.g.add("Or", same, c.g.add("And", c.g.add("IsNaN", x), np.isnan(numbers)[None]))
    return str(same)


@converts("OneHotEncoder")
def one_hot(c: Context, model: Any, columns: list[Column]) -> Made:
    """A column of zeros and ones for each category; an unknown one, which the library may refuse, is zeros."""
    parts, width = [], 0
    if model.handle_unknown == "error":
        c.g.notes.append("OneHotEncoder: what the library refuses as an unknown category is a row of zeros in the header")
    for place, (column, categories) in enumerate(zip(_split(c, columns), model.categories_, strict=True)):
        hot = c.g.cast(_same(c, column, categories), np.float64)
        rare = getattr(model, "infrequent_categories_", None)
        if rare is not None and rare[place] is not None and len(rare[place]):
            few = np.isin(categories, rare[place])
            joined = np.zeros((len(categories), int((~few).sum()) + 1))
            joined[np.flatnonzero(~few), np.arange(int((~few).sum()))] = 1
            joined[few, -1] = 1
            if model.handle_unknown in ("infrequent_if_exist", "warn"):
                unknown = c.g.add("Sub", _ONE, c.g.reduce("ReduceMax", hot, 1))
                hot = c.g.add("MatMul", hot, joined)
                hot = c.g.add("Add", hot, c.g.add("Mul", unknown, np.eye(joined.shape[1])[-1:]))
            else:
                hot = c.g.add("MatMul", hot, joined)
            size = joined.shape[1]
        else:
            size = len(categories)
        if model.drop_idx_ is not None and model.drop_idx_[place] is not None:
            kept = [at for at in range(size) if at != model.drop_idx_[place]]
            hot, size = c.g.columns(hot, kept), size - 1
        parts.append(hot)
        width += size
    return {"transform": c.numbers(c.g.concat(parts), width)}


@converts("OrdinalEncoder")
def ordinal(c: Context, model: Any, columns: list[Column]) -> Made:
    """The number of the category; of an unknown or missing one what was asked for."""
    if getattr(model, "infrequent_categories_", None) is not None and any(rare is not None for rare in model.infrequent_categories_):
        raise ExportError("OrdinalEncoder with infrequent categories is not supported")
    if model.handle_unknown == "error":
        c.g.notes.append("OrdinalEncoder: what the library refuses as an unknown category is NaN in the header")
    unknown = model.unknown_value if model.handle_unknown == "use_encoded_value" else np.nan
    parts = []
    for column, categories in zip(_split(c, columns), model.categories_, strict=True):
        codes = np.arange(len(categories), dtype=np.float64)
        missing = [at for at, value in enumerate(categories) if isinstance(value, float) and np.isnan(value)]
        same = _same(c, column, categories)
        if missing:
            codes[missing] = model.encoded_missing_value
        known = c.g.reduce("ReduceMax", c.g.cast(same, np.float64), 1)
        code = c.g.reduce("ReduceSum", c.g.add("Where", same, codes[None], _ZERO), 1)
        parts.append(c.g.add("Where", c.g.add("Greater", known, _ZERO), code, np.float64(unknown)))
    return {"transform": c.numbers(c.g.concat(parts), len(parts))}


@of_matrix("SimpleImputer")
def imputer(c: Context, model: Any, x: str) -> Made:
    """What is missing is replaced; columns of nothing but missing values are left out, columns that say what was missing come behind."""
    missing = c.g.add("IsNaN", x) if np.isnan(float(model.missing_values)) else c.g.add("Equal", x, np.float64(model.missing_values))
    values = np.asarray(model.statistics_, np.float64)
    kept = np.flatnonzero(~np.isnan(values)) if not getattr(model, "keep_empty_features", False) else np.arange(len(values))
    filled = c.g.add("Where", missing, np.nan_to_num(values)[None], x)
    made, width = c.g.columns(filled, kept.tolist(), len(values)), len(kept)
    if model.indicator_ is not None:
        asked = np.asarray(model.indicator_.features_).tolist()
        made = c.g.concat([made, c.g.columns(c.g.cast(missing, np.float64), asked)])
        width += len(asked)
    return {"transform": c.numbers(made, width)}


@of_matrix("MissingIndicator")
def missing_indicator(c: Context, model: Any, x: str) -> Made:
    """1 where a value is missing."""
    missing = c.g.add("IsNaN", x) if np.isnan(float(model.missing_values)) else c.g.add("Equal", x, np.float64(model.missing_values))
    asked = np.asarray(model.features_).tolist()
    return {"transform": c.numbers(c.g.columns(c.g.cast(missing, np.float64), asked), len(asked))}


@of_matrix("KBinsDiscretizer")
def bins(c: Context, model: Any, x: str) -> Made:
    """The number of the bin, or a column for each."""
    parts, width = [], 0
    for column, edges in enumerate(model.bin_edges_):
        inner = np.asarray(edges, np.float64)[1:-1]
        one = c.g.columns(x, [column])
        count = len(edges) - 1
        code = (
            c.g.reduce("ReduceSum", c.g.cast(c.g.add("GreaterOrEqual", one, inner[None]), np.float64), 1)
            if count > 1
            else c.g.add("Mul", one, _ZERO)
        )
        if model.encode != "ordinal":
            code = c.g.cast(c.g.add("Equal", code, np.arange(count, dtype=np.float64)[None]), np.float64)
        parts.append(code)
        width += 1 if model.encode == "ordinal" else count
    return {"transform": c.numbers(c.g.concat(parts), width)}


@converts("FunctionTransformer")
def function_transformer(c: Context, model: Any, columns: list[Column]) -> Made:
    """The identity, and numpy's functions that ONNX has."""
    if model.func is None:
        return {"transform": columns}
    known = {"log": "Log", "exp": "Exp", "sqrt": "Sqrt", "abs": "Abs", "absolute": "Abs", "sin": "Sin", "cos": "Cos", "tanh": "Tanh"}
    name = getattr(model.func, "__name__", "")
    x = c.matrix(columns)
    if getattr(np, name, None) is model.func and not model.kw_args:
        if name in known:
            return {"transform": c.numbers(c.g.add(known[name], x), sum(column.width for column in columns))}
        if name == "log1p":
            return {"transform": c.numbers(c.g.add("Log", c.g.add("Add", x, _ONE)), sum(column.width for column in columns))}
    raise ExportError(
        f"FunctionTransformer calls {name or model.func}, which is Python code: only numpy's {', '.join(known)} and log1p are known"
    )

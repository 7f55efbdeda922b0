"""The contract in a header's banner, as it holds for its code."""

from __future__ import annotations

import re
import textwrap

#: Functions whose last bits are the C library's.
_LIBRARY = frozenset(
    """exp exp2 expm1 log log2 log10 log1p pow sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc cbrt hypot tgamma
    lgamma""".split()
)


def contract(code: str) -> list[str]:
    """The contract as it holds for the code of a model."""
    foreign = sorted({name for name in re.findall(r"__builtin_([a-z0-9]+)\(", code) if name in _LIBRARY or name[:-1] in _LIBRARY})
    but = f", but for what the C library computes ({', '.join(foreign)})" if foreign else ""
    text = (
        "Contract. infer() is const and noexcept; it allocates nothing, locks nothing, calls nothing of the system and starts no thread. "
        "A row's bits do not depend on the other rows, on the batch, on alignment or on the thread, and are the same on every processor "
        f"that has a fused multiply-add (x86-64 since 2013, arm64), with every compiler and flag{but}. Only constructors throw: a Model's "
        "std::runtime_error, with what was wrong with the weights, a Workspace's std::length_error or std::bad_alloc. Model::open and "
        "Workspace::make do not, and are what there is without exceptions."
    )
    return [f"// {line}" for line in textwrap.wrap(text, 120)]

"""All cases of JAX."""

from __future__ import annotations

import jax_zoo_functions
import jax_zoo_linen
import jax_zoo_nnx

CASES = [*jax_zoo_linen.CASES, *jax_zoo_nnx.CASES, *jax_zoo_functions.CASES]

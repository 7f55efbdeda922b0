"""A small regression, fitted in JAX with a module of Flax, as a header."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

import onnx_bridge


class Waves(nn.Module):
    """Two dense layers."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.Dense(1)(nn.swish(nn.Dense(32)(x)))


model, x = Waves(), jnp.linspace(-2, 2, 400)[:, None]
variables = model.init(jax.random.key(0), x)


@jax.jit
def step(variables: dict) -> dict:
    """One step down the gradient of the squared error."""
    gradient = jax.grad(lambda v: jnp.mean((model.apply(v, x) - jnp.sin(3 * x)) ** 2))(variables)
    return jax.tree.map(lambda value, slope: value - 0.05 * slope, variables, gradient)


for _ in range(200):
    variables = step(variables)

made = onnx_bridge.convert((model, variables), name="waves", example_inputs={"x": np.asarray(x)})
print(made.report)
header = made.save("build")

difference = np.abs(made.compile()(x) - np.asarray(model.apply(variables, x))).max()
print(f"{header}: the largest difference from Flax is {difference:.1e}")

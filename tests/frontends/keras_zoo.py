"""The Keras zoo."""

from __future__ import annotations

from harness import Case
from keras_zoo_layers import zoo as layers

CASES: list[Case] = [*layers.cases]

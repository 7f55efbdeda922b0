"""The Keras zoo."""

from __future__ import annotations

from harness import Case
from keras_zoo_layers import zoo as layers
from keras_zoo_models import zoo as models
from keras_zoo_ops import zoo as functions
from keras_zoo_saved import zoo as saved
from keras_zoo_sequences import zoo as sequences

CASES: list[Case] = [case for zoo in (layers, sequences, models, functions, saved) for case in zoo.cases]

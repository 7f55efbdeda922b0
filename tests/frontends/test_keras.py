"""The Keras zoo, through the whole road: the header beside Keras' own answer."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")
pytest.importorskip("tf2onnx")

from harness import Case, run, zoo
from keras_zoo import CASES

#: What Keras and TensorFlow say of themselves: of their own use of numpy and Python, and that HDF5 is an old format.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file:UserWarning"),
]


@zoo(CASES)
def test_header_computes_what_keras_does(case: Case) -> None:
    run(case)


def test_zoo_is_as_large_as_it_was() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 120

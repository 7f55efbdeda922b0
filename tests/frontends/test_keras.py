"""The Keras zoo, converted and compiled: the header beside Keras' own answer."""

from __future__ import annotations

from harness import Case, needs, run, zoo

pytestmark = needs("keras")

from keras_zoo import CASES


@zoo(CASES)
def test_header_computes_what_keras_does(case: Case) -> None:
    run(case)


def test_zoo_is_as_large_as_it_was() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 120

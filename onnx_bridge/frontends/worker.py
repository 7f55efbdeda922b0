"""The process that exports a file: `python -m onnx_bridge.frontends.worker`, with questions at its input and answers at its output."""

import os

from onnx_bridge.frontends.isolated import serve

if __name__ == "__main__":
    read, write = os.dup(0), os.dup(1)
    # From here on, whatever the framework prints goes where errors go, and nothing that it starts can read the questions.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    with os.fdopen(read, "rb") as reader, os.fdopen(write, "wb") as writer:
        serve(reader, writer)

"""The process that exports a file: `python -m onnx_bridge.frontends.worker READ WRITE`, two open file descriptors."""

import os
import sys

from onnx_bridge.frontends.isolated import serve

if __name__ == "__main__":
    read, write = (int(text) for text in sys.argv[1:])
    with os.fdopen(read, "rb") as reader, os.fdopen(write, "wb") as writer:
        serve(reader, writer)

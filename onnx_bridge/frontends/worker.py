"""The process that exports a file, with questions at its input and answers at its output."""

from onnx_bridge.frontends.isolated import serve
from onnx_bridge.processes.worker import with_pipes


def main() -> None:
    """What the process does."""
    with_pipes(serve)

"""`python -m onnx_bridge` is `onnx-bridge`."""

import sys

from onnx_bridge.cli import main

sys.exit(main())

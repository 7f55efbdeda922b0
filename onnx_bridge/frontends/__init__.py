"""Frameworks: each is recognised, exported to ONNX, and asked for its own answer."""

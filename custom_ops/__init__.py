"""The operators that ONNX lacks and onnx_bridge declares, one a file, registered as any package registers its own: by entry points.

Installed as `onnx_bridge_ops`: `custom_ops` is too general a name for everybody's site-packages.
"""

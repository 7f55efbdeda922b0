"""`onnx-bridge demo`: a trained model that comes with the package, from ONNX to a header, beside onnxruntime."""

"""What a header executes and no ONNX file names: operators that passes put in the place of ONNX's, each one call of a kernel."""

"""What answers are compared with: onnxruntime, in a process of its own. Nothing is imported here: that process needs little."""

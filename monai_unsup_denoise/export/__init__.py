"""The model for other programs: a self-contained bundle, ONNX."""

"""The model for other programs: TorchScript, ONNX, a self-contained bundle."""

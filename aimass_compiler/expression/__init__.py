"""The algebra that transforms are written in, and its lowerings to polars and to ONNX."""

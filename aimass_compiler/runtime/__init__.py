"""What the pipeline's stages and the server run; reads pipeline.json, never YAML."""

import os

# onnxruntime reports its use to its makers unless this is set before it is loaded, and all that loads it is
# below this package: https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

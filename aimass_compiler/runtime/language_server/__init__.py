"""The server of language models: OpenAI's API over onnxruntime-genai, on a CPU."""

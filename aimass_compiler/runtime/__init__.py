"""What the pipeline's stages and the server run; reads pipeline.json, never YAML."""

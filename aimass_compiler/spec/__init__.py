"""The only place that knows YAML: text to data with places, data to a typed spec, a spec to a pipeline."""

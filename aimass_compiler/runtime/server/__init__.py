"""The model server: one package folder, the Open Inference Protocol and plain JSON, one process."""

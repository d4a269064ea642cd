"""The test of a served model: the real server on a package, asked, loaded, abused and stopped."""

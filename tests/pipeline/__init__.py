"""The whole chain as people use it: one spec, compiled and run by the installed commands."""

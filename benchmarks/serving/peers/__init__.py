"""The servers that are compared with; each file is started as a program: FILE PACKAGE PORT."""

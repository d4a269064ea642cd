#!/bin/sh
# The interpreter is another program than the one that evaluates; the last argument is the folder.
set -eu
exec "$1" -I -S trainers/linear.py "$2"

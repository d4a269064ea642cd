"""How long a small network takes to train as a whole process, against what people use for it."""

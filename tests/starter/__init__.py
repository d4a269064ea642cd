"""What is proposed from a data file compiles, and the file keeps the contract that was read off it."""

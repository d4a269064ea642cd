"""The variables by which a node of a TrainJob learns where the first node is, and where it is itself."""

HEAD = "AIMASS_RAY_HEAD"
OWN_ADDRESS = "AIMASS_NODE_ADDRESS"

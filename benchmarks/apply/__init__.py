"""How long it takes to bring a cluster to what git declares, with `aimass apply` and with kubectl."""

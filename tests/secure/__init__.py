"""Everything that is generated, held to what scanners say."""

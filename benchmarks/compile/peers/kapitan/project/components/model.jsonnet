// The objects of one target; model.libsonnet is the one that jsonnet gets too.
local kapitan = import 'lib/kapitan.libjsonnet';
local objects = import 'model.libsonnet';

{ objects: objects(kapitan.inventory().parameters.model) }

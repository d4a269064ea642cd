"""What a plan means for the models: values, stages, alerts, contract and cost."""

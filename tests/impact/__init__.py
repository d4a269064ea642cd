"""What a plan means for the models, from specs before and after to the words."""

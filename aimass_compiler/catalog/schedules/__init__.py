"""The schedules of learning rates, one file each."""

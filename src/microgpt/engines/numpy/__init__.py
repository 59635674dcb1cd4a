"""The NumPy engine: the model on arrays, with backward passes written by hand."""

"""The engine on PyTorch: every block and recipe that Config knows, on processors and GPUs."""

"""Runs and models on disk: whole or not at all, checked when they are read, never pickled."""

"""Keeping a model from saying what it must not: policies, rails, constrained decoding, leaks."""

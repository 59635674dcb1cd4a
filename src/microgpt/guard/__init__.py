"""Keeping a model from saying what it must not say: policies, rails, guarded decoding, leaks."""

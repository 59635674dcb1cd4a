"""The assignment: a bot that must never name a fruit, and the grader that tries to make it."""

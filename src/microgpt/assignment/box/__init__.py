"""A submission shut in: what this machine can lock, and one process watched from outside."""

"""What the preset final prints with seed 42, on every engine: first losses, and all samples."""

LOSSES = [3.3660, 3.4243, 3.1778, 3.0664, 3.2209, 2.9452, 3.2894]
LOSSES += [3.3245, 2.8990, 3.2229, 2.7964, 2.9345, 3.0544]
SAMPLES = ["kamon", "ann", "karai", "jaire", "vialan", "karia", "yeran", "anna", "areli", "kaina"]
SAMPLES += ["konna", "keylen", "liole", "alerin", "earan", "lenne", "kana", "lara", "alela"]
SAMPLES += ["anton"]

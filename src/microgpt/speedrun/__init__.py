"""How cheaply a recipe reaches a fixed loss, in units that compare between machines.

``tracks``: what is to be reached, and what an entry may say. ``yardstick``: the unit.
``chance``: whether losses of several seeds are below the target. ``attempt``: an entry is trained
seed by seed, and judged. ``records``: what comes out, and what was best so far.
"""

"""From a submission to points: requests, checks, the rubric, one verdict, and a class of them."""

"""What is in a run or a model file: facts, pictures, and one page of both."""

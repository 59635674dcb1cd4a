"""What runs inside the box, beside a submission: files copied there that import none of ours."""

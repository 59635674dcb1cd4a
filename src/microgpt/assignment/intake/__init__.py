"""Submissions as they are handed in: folders, archives, class lists, and a text as Python."""

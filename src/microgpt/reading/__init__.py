"""Users' bytes as text: files, pipes and archives, encodings, tables."""

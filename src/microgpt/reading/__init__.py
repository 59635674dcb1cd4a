"""Bytes that people bring, as text: files, pipes and archives, encodings, tables."""

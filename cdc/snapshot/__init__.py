"""The initial snapshot: a consistent view of schemas and rows, and the position it belongs to."""

"""Kafka Connect in Python: contracts, converters, transforms, the log and the worker."""

from connect import compiled

compiled.choose()

"""Stores of the schema history; found as plugins by the names Debezium's configurations use."""

from schema_history.storage.contract import PREFIX, HistoryConfig, HistoryStore

__all__ = ["PREFIX", "HistoryConfig", "HistoryStore"]

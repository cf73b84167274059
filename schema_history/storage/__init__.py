"""Stores of the schema history; found as plugins by the names Debezium's configurations use."""

from schema_history.storage.contract import HistoryStore

__all__ = ["HistoryStore"]

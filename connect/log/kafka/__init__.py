"""The log on Kafka, through confluent-kafka (librdkafka)."""

from connect.log.kafka.log import KafkaLog

__all__ = ["KafkaLog"]

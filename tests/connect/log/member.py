"""A process of its own in the tests: ``member.py ROLE SETTINGS NAME...``, JSON lines on stdout.

``consume GROUP TOPIC`` joins the group and reads until a line comes on stdin, committing after each
poll; ``produce TOPIC`` writes numbered messages for ever, saying what is acknowledged.
"""

from __future__ import annotations

import json
import select
import sys
from collections.abc import Sequence

from connect.log.contract import Consumer, Log, RebalanceListener, TopicPartition
from connect.log.embedded import EmbeddedLog
from connect.log.kafka import KafkaLog


def say(what: str, value: object) -> None:
    sys.stdout.write(json.dumps([what, value]) + "\n")
    sys.stdout.flush()


class Teller(RebalanceListener):
    consumer: Consumer

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        say("assigned", sorted(partitions))

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        say("revoked", sorted(partitions))


def consume(log: Log, group: str, topic: str) -> None:
    fast = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "300"}
    with log.consumer(group, [topic], client_id="m", listener=Teller(), config=fast) as consumer:
        say("started", None)
        while not select.select([sys.stdin], [], [], 0)[0]:
            found = consumer.poll(20, 0.1)
            if found:
                say("read", [[m.partition, m.offset] for m in found])
                consumer.commit({TopicPartition(m.topic, m.partition): m.offset + 1 for m in found})


def produce(log: Log, topic: str) -> None:
    said = number = 0
    with log.producer(client_id="p") as producer:
        while True:
            producer.produce(topic, [b"%d" % number], [b"%d" % number])
            number += 1
            if producer.acknowledged() > said:
                said = producer.acknowledged()
                say("acknowledged", said)


def main() -> None:
    role, text, *names = sys.argv[1:]
    settings = json.loads(text)
    log = EmbeddedLog(settings) if "log.file" in settings else KafkaLog(settings)
    {"consume": consume, "produce": produce}[role](log, *names)


main()

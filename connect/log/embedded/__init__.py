"""The log in one SQLite file, for a laptop, a demo, a test, or a mirror without Kafka.

Topics, partitions, groups and transactions as Kafka has them, for all processes of one machine that
open the same file. What differs:

Durability. A message is acknowledged when it is on the disk (SQLite in WAL mode, ``synchronous``
FULL for producers), many messages to a transaction. A committed group offset is safe when the
process dies; when the machine does, the last ones may be lost and their messages are read again.

Retention, which keeps the file small:

- A topic with groups loses a message once every group that has ever committed an offset in the
  topic, or reads it now, has committed beyond it. Kafka would keep it for ``retention.ms``. A group
  that is never used again therefore holds its topics' messages for ever. So does that of a sink
  deleted by REST: Kafka keeps such a group, and so do we. Cure: before it is deleted, stop the sink
  and set its offsets to 9223372036854775807 with ``PATCH /connectors/NAME/offsets`` (a sink of that
  name made later begins there), or delete the topics.
- A topic without groups keeps messages for ``retention.ms`` (7 days) and up to ``retention.bytes``
  per partition (no limit), by the time and stored size of whole frames.
- ``retention.ms=-1``, or Java's largest long, keeps messages for ever, groups or not, up to
  ``retention.bytes`` if the topic has no group; so schema history stays.
- ``cleanup.policy=compact`` keeps the last message of each key, and one that deletes a key for
  ``delete.retention.ms`` (a day) more, whoever has read it; ``compact,delete`` does both.

Producers clear up in the partitions they write to, at most once a second, after the write. The
pages of removed messages are used again, and go back to the disk once half of the file is empty.
"""

from connect.log.embedded.log import EmbeddedLog

__all__ = ["EmbeddedLog"]

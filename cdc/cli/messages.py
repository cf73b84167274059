"""What the commands log, as plain lines on stderr."""

from __future__ import annotations

import logging
import sys


class _Lines(logging.Handler):
    """Writes to the ``sys.stderr`` of the moment, which may be a live display's."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except OSError:
            self.handleError(record)


def show(level: int, form: str) -> None:
    """Show messages from this level on, each formatted by ``form`` (``logging.Formatter``)."""
    handler = _Lines()
    handler.setFormatter(logging.Formatter(form))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # It repeats itself without end while a broker is down, which our own messages say too.
    logging.getLogger("connect.log.kafka.librdkafka").setLevel(logging.CRITICAL)

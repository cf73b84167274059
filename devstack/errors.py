"""The one exception of devstack."""


class DevstackError(Exception):
    """A server cannot be had or does not come up; the message says what was tried and the cure."""

"""Fixtures of the devstack tests."""

import pytest

from tests.devstack.kinds import KINDS, Kind


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of server in turn."""
    value: Kind = request.param
    return value

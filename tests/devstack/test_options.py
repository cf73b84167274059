"""Options given to a server arrive there, in place of our defaults."""

import psycopg
import pymysql
import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    ResourceType,
)
from hypothesis import given
from hypothesis import strategies as st

import devstack
from devstack.kafka import _lines
from devstack.mysql_family import initial, merged

pytestmark = pytest.mark.timeout(600)


def variables(server: devstack.Server, *names: str) -> list[object]:
    with pymysql.connect(host=server.host, port=server.port, user=server.user) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT " + ", ".join(f"@@{name}" for name in names))
        return list(cursor.fetchone() or ())


def test_mysql_defaults() -> None:
    with devstack.mysql() as server:
        found = variables(
            server, "server_id", "log_bin", "gtid_mode", "enforce_gtid_consistency", "local_infile"
        )
        assert found == [1, 1, "ON", "ON", 1]


def test_mysql_options() -> None:
    with devstack.mysql(
        server_id=77,
        gtid_mode="OFF",
        enforce_gtid_consistency="OFF",
        performance_schema=None,
        binlog_row_metadata="FULL",
        lower_case_table_names=1,
    ) as server:
        found = variables(
            server,
            "server_id",
            "gtid_mode",
            "enforce_gtid_consistency",
            "performance_schema",
            "binlog_row_metadata",
            "lower_case_table_names",
        )
        assert found == [77, "OFF", "OFF", 1, "FULL", 1]


def test_two_mysql_servers_have_identities_of_their_own() -> None:
    with devstack.mysql() as one, devstack.mysql() as other:
        assert variables(one, "server_uuid") != variables(other, "server_uuid")
        assert variables(one, "gtid_executed") == [""]


@pytest.mark.parametrize("version", ["9.7", "8.0"])
def test_mysql_speaks_tls(version: str) -> None:
    with devstack.mysql(version) as server:
        assert _tls_cipher(server)


@pytest.mark.parametrize("version", ["11.4", "10.11"])
def test_mariadb_speaks_tls_and_takes_options(version: str) -> None:
    with devstack.mariadb(version, binlog_row_image="MINIMAL", server_id=5) as server:
        assert _tls_cipher(server)
        found = variables(server, "binlog_row_image", "server_id", "binlog_format", "log_bin")
        assert found == ["MINIMAL", 5, "ROW", 1]


def _tls_cipher(server: devstack.Server) -> str:
    unverified = {"ssl": {"check_hostname": False, "verify_mode": "none"}}
    with pymysql.connect(
        host=server.host, port=server.port, user=server.user, ssl=unverified["ssl"]
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        row = cursor.fetchone()
        assert row is not None
        return str(row[1])


def test_postgres_settings() -> None:
    with (
        devstack.postgres(wal_level="logical", max_connections=17, jit=False) as server,
        psycopg.connect(server.url) as connection,
    ):
        for name, value in (("wal_level", "logical"), ("max_connections", "17"), ("jit", "off")):
            assert connection.execute(f"SHOW {name}").fetchone() == (value,)


def test_kafka_properties() -> None:
    with devstack.kafka(auto_create_topics_enable=False, **{"num.partitions": 3}) as server:
        resource = ConfigResource(ResourceType.BROKER, "1")
        admin = AdminClient({"bootstrap.servers": server.url})
        (future,) = admin.describe_configs([resource]).values()
        found = future.result(timeout=30)
        assert found["auto.create.topics.enable"].value == "false"
        assert found["num.partitions"].value == "3"
        assert found["transaction.state.log.min.isr"].value == "1"


@pytest.mark.parametrize("make", [devstack.mysql, devstack.mariadb])
def test_a_version_without_recipe_is_refused(make: object) -> None:
    with pytest.raises(devstack.DevstackError, match=r"no recipe for \w+ 5\.7; take"):
        make("5.7")  # type: ignore[operator]


def test_a_server_that_refuses_its_options_says_so() -> None:
    with (
        pytest.raises(
            devstack.DevstackError, match=r"(?s)MySQL 9.7 ended at start.*no.such.option"
        ),
        devstack.mysql(no_such_option=1),
    ):
        pass


names = st.text("abcdefg_", min_size=1).filter(lambda name: "__" not in name)
values = st.one_of(st.none(), st.booleans(), st.integers(), st.text("abc", min_size=1))


@given(st.dictionaries(names, values), st.dictionaries(names, values))
def test_given_options_win_over_defaults(
    defaults: dict[str, devstack.Option], given: dict[str, devstack.Option]
) -> None:
    dashed = {name.replace("_", "-"): value for name, value in defaults.items()}
    arguments = dict(argument[2:].split("=", 1) for argument in merged(dashed, given))
    expected = {name.replace("_", "-"): value for name, value in (defaults | given).items()}
    written = {True: "ON", False: "OFF"}
    assert arguments == {
        name: written[value] if isinstance(value, bool) else str(value)
        for name, value in expected.items()
        if value is not None
    }


def test_what_holds_from_initialisation_on_names_the_template() -> None:
    arguments = ["--server-id=1", "--lower-case-table-names=1", "--innodb-page-size=8K"]
    fixed, label = initial(arguments)
    assert fixed == arguments[1:]
    assert label == "-lower-case-table-names-1-innodb-page-size-8K"


def test_kafka_properties_are_written_as_java_reads_them() -> None:
    assert _lines({"a.b": True, "c": None, "d": 5, "e": "x,y"}) == "a.b=true\nd=5\ne=x,y\n"

"""URLs of both families read into one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect.errors import ConfigError
from connect.sql_url import SqlUrl, parse

CASES = [
    ("jdbc:mysql://localhost:3306/mydb", SqlUrl("mysql", "localhost", 3306, database="mydb")),
    ("mysql://root@127.0.0.1:33060", SqlUrl("mysql", "127.0.0.1", 33060, "root")),
    ("mysql+pymysql://u:p%40@h/shop", SqlUrl("mysql", "h", None, "u", "p@", "shop")),
    ("mariadb://u@[::1]:3307/shop", SqlUrl("mariadb", "::1", 3307, "u", "", "shop")),
    ("postgres://h/db", SqlUrl("postgresql", "h", database="db")),
    ("jdbc:postgresql:shop", SqlUrl("postgresql", "localhost", database="shop")),
    ("sqlite:///shop.db", SqlUrl("sqlite", database="shop.db")),
    ("sqlite:////srv/shop.db", SqlUrl("sqlite", database="/srv/shop.db")),
    ("sqlite://", SqlUrl("sqlite", database=":memory:")),
    ("sqlite://shop.db", None),
    ("jdbc:sqlite:/srv/shop.db", SqlUrl("sqlite", database="/srv/shop.db")),
    ("jdbc:sqlite::memory:", SqlUrl("sqlite", database=":memory:")),
    ("jdbc:duckdb:", SqlUrl("duckdb", database=":memory:")),
    ("duckdb:///a b.duckdb", SqlUrl("duckdb", database="a b.duckdb")),
    ("jdbc:databend://localhost:8000", SqlUrl("databend", "localhost", 8000)),
    ("jdbc:mysql:loadbalance://a,b/shop", None),
    ("jdbc:mysql://a:1,b:2/shop", None),
    ("localhost:3306/shop", None),
    ("", None),
]


@pytest.mark.parametrize(("url", "expected"), CASES)
def test_reads(url: str, expected: SqlUrl | None) -> None:
    if expected is None:
        with pytest.raises(ConfigError):
            parse(url)
    else:
        read = parse(url)
        assert (read.backend, read.host, read.port, read.user, read.password, read.database) == (
            expected.backend,
            expected.host,
            expected.port,
            expected.user,
            expected.password,
            expected.database,
        )


def test_the_login_may_stand_beside_the_url_or_among_its_options() -> None:
    url = "jdbc:postgresql://localhost:5432/doc?user=crate&password=secret&ssl=true"
    inside = parse(url)
    assert (inside.user, inside.password, inside.options) == ("crate", "secret", {"ssl": "true"})
    assert parse(url, "root", "1234").user == "root"
    assert parse(url, "root", "1234").password == "1234"


def test_java_options_stay_out_of_sqlalchemy_urls() -> None:
    assert parse("jdbc:mysql://h/db?useSSL=false").sqlalchemy() == "mysql+pymysql://h/db"
    assert (
        parse("mysql://h/db?charset=latin1").sqlalchemy() == "mysql+pymysql://h/db?charset=latin1"
    )


@pytest.mark.parametrize("url", ["mysql://u:hush@a,b/db", "mysql:u:hush@a"])
def test_errors_keep_the_password_to_themselves(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(url)
    assert "hush" not in str(caught.value)
    assert "hush" not in str(parse("mysql://u:hush@a/db"))
    assert "hush" not in repr(parse("mysql://u:hush@a/db"))


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(NAMES, NAMES, NAMES)
def test_any_login_survives_a_sqlalchemy_url(user: str, password: str, database: str) -> None:
    written = SqlUrl("mysql", "h", 1, user, password, database.strip() or "d").sqlalchemy()
    again = parse(written)
    assert (again.user, again.password) == (user, password)
    assert again.sqlalchemy() == written

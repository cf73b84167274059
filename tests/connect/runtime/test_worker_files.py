"""The files a worker reads: properties, connector files, worker keys, secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connect.errors import ConfigError
from connect.runtime import connector_file, properties
from connect.runtime.config_providers import Resolver
from connect.runtime.connector_file import ConnectorRequest, TargetState
from connect.runtime.worker_config import Listener, WorkerConfig, parse_listener


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1\nb:2\nc 3\nd\t=  4", {"a": "1", "b": "2", "c": "3", "d": "4"}),
        ("# no\n  ! no\n\n a = b=c ", {"a": "b=c "}),
        ("a=one,\\\n   two\\\r\n\tthree", {"a": "one,twothree"}),
        ("a=back\\\\\nb=2", {"a": "back\\", "b": "2"}),
        ("a\\ b\\=c\\:d=\\u00fc\\t\\q", {"a b=c:d": "ü\tq"}),
        ("a=\\ud83d\\ude00", {"a": "😀"}),
        ("a=1\na=2\nempty=\nbare", {"a": "2", "empty": "", "bare": ""}),
        ("a=x\\\n# part of it", {"a": "x# part of it"}),
        ("k=é→", {"k": "é→"}),
        ("end=\\", {"end": ""}),
    ],
)
def test_properties_are_read_as_java_reads_them(text: str, expected: dict[str, str]) -> None:
    assert properties.parse(text) == expected


def test_a_broken_escape_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "w.properties"
    file.write_text("a=\\u12")
    with pytest.raises(ConfigError, match=r"w\.properties cannot be read: Malformed"):
        properties.read(file)


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "n", "tasks.max": 1, "on": true}',
        '{"name": "n", "config": {"tasks.max": "1", "on": "true"}, "extra": 1}',
        '{"name": "n", "config": {"name": "n", "tasks.max": "1", "on": "true"}}',
        "name=n\ntasks.max=1\non=true",
    ],
)
def test_the_three_forms_of_a_connector_file(text: str, tmp_path: Path) -> None:
    file = tmp_path / "connector"
    file.write_text(text)
    settings = {"name": "n", "tasks.max": "1", "on": "true"}
    assert connector_file.read(file) == ConnectorRequest("n", settings)


def test_the_initial_state_of_a_connector_file(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text('{"name": "n", "config": {}, "initial_state": "PAUSED"}')
    assert connector_file.read(file).target is TargetState.PAUSED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "n", "config": {"name": "m"}}', "m in the config differs from the name n"),
        ('{"name": "n", "config": {"a": [1]}}', "value of a is not a single value"),
        ('{"name": "n", "config": {"a": null}}', "value of a is null"),
        ('{"name": "n", "config": {}, "initial_state": "ASLEEP"}', "ASLEEP is not one of"),
        ('{"name": "n"', "is not valid JSON"),
        ("a=1", "has no name"),
        ("[1]", "has no name"),
    ],
)
def test_a_connector_file_that_cannot_be_followed(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "connector"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        connector_file.read(file)


def test_without_brokers_every_worker_key_has_a_default() -> None:
    worker = WorkerConfig({})
    assert worker.log_settings() == {"log.file": "connect.log"}
    assert worker.converter_name("key.converter").endswith("JsonConverter")
    assert WorkerConfig({"offset.storage.file.filename": "/x/o"}).log_settings()["log.file"] == (
        "/x/connect.log"
    )


def test_with_brokers_a_worker_needs_what_kafkas_needs() -> None:
    settings = {"bootstrap.servers": "b:9092", "key.converter": "k", "value.converter": "v"}
    for key in ("key.converter", "value.converter", "offset.storage.file.filename"):
        given = settings | {"offset.storage.file.filename": "o"}
        del given[key]
        with pytest.raises(ConfigError) as caught:
            WorkerConfig(given)
        assert caught.value.message == (
            f'Missing required configuration "{key}" which has no default value.'
        )


def test_unknown_worker_keys_warn_and_typos_stop() -> None:
    worker = WorkerConfig(
        {"group.id": "g", "plugin.path": "/p", "ofset.flush.interval.ms": "1", "producer.acks": "1"}
    )
    warnings, errors = worker.problems()
    assert len(warnings) == 2
    assert "group.id is not known" in warnings[0]
    assert "plugin.path is for the JVM" in warnings[1]
    assert [str(error) for error in errors] == [
        "The worker has no key ofset.flush.interval.ms. Did you mean offset.flush.interval.ms?"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://:8083", Listener("", 8083)),
        ("HTTP://127.0.0.1:9", Listener("127.0.0.1", 9)),
        ("http://0.0.0.0:9", Listener("", 9)),
        ("http://[::1]:9", Listener("::1", 9)),
        ("http://host", Listener("host", 8083)),
    ],
)
def test_listeners(text: str, expected: Listener) -> None:
    assert parse_listener(text) == expected


@pytest.mark.parametrize("text", ["https://:8083", "host:8083", "http://h:99999", "http://h:1/x"])
def test_listeners_that_cannot_be_followed(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        WorkerConfig({"listeners": text})
    assert caught.value.key == "listeners"


def test_override_policies() -> None:
    settings = {"producer.override.linger.ms": "1", "consumer.override.sasl.mechanism": "PLAIN"}
    policy = "connector.client.config.override.policy"

    def refused(name: str) -> list[str]:
        return [e.key for e in WorkerConfig({policy: name}).forbidden_overrides(settings)]

    assert refused("All") == []
    assert refused("Principal") == ["producer.override.linger.ms"]
    assert refused("None") == list(settings)


@pytest.fixture
def resolver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolver:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "s.properties").write_text("password=p\\u0021\nuser=u")
    (tmp_path / "open" / "token").write_text("t0ken")
    (tmp_path / "closed").write_text("user=x")
    monkeypatch.setenv("CDC_TEST_A", "from the environment")
    monkeypatch.setenv("OTHER", "hidden")
    java = "org.apache.kafka.common.config.provider"
    return Resolver(
        {
            "config.providers": "file, dir,env",
            "config.providers.file.class": f"{java}.FileConfigProvider",
            "config.providers.file.param.allowed.paths": str(tmp_path / "open"),
            "config.providers.dir.class": f"{java}.DirectoryConfigProvider",
            "config.providers.env.class": f"{java}.EnvVarConfigProvider",
            "config.providers.env.param.allowlist.pattern": "CDC_.*",
        }
    )


def test_references_are_resolved_or_left(resolver: Resolver, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    settings = {
        "password": f"${{file:{folder}/s.properties:password}}",
        "url": f"//${{file:{folder}/s.properties:user}}@host/${{dir:{folder}:token}}",
        "env": "${env:CDC_TEST_A}",
        "forbidden": "${env:OTHER}",
        "unknown": "${vault:a:b}",
        "missing": f"${{file:{folder}/s.properties:nothing}}",
        "above": f"${{dir:{folder}:../closed}}",
        "topic": "default.${topic}",
    }
    resolved = resolver.resolve(settings)
    assert resolved["password"] == "p!"
    assert resolved["url"] == "//u@host/t0ken"
    assert resolved["env"] == "from the environment"
    for name in ("forbidden", "unknown", "missing", "above", "topic"):
        assert resolved[name] == settings[name]
    task = {"password": "p!", "env": "from the environment", "n": "1"}
    assert resolver.hide(task, settings) == {
        "password": settings["password"],
        "env": settings["env"],
        "n": "1",
    }


def test_paths_outside_allowed_paths_are_refused(resolver: Resolver, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not permitted"):
        resolver.resolve({"a": f"${{file:{tmp_path}/closed:user}}"})


def test_an_unknown_config_provider_is_refused() -> None:
    with pytest.raises(ConfigError, match="Known are FileConfigProvider"):
        Resolver({"config.providers": "v", "config.providers.v.class": "com.x.VaultProvider"})


def test_a_posted_connector_is_what_the_file_would_be() -> None:
    body = json.loads('{"name": " n ", "config": {"a": "1"}, "initial_state": "stopped"}')
    request = connector_file.request_from_json(body, "The request")
    assert request == ConnectorRequest("n", {"a": "1", "name": "n"}, TargetState.STOPPED)

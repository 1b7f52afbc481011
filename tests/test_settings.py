"""Settings: loud on anything unknown, silent about secrets."""

import dataclasses
from pathlib import Path

import pytest

from ivig_fhir.errors import SettingsError
from ivig_fhir.settings import TABLE, Settings

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYzE="
PRODUCTION = {"IVIG_ENVIRONMENT": "production", "IVIG_BASE_URL": "https://ivig.example.org", "IVIG_SECRET_KEYS": f"k1:{SECRET}"}


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@21")
def test_an_empty_environment_gives_the_demo() -> None:
    settings = Settings.from_env({})
    assert settings.environment == "demo"
    assert settings.base_url == "http://127.0.0.1:5000"
    assert settings.redirect_uri == "http://127.0.0.1:5000/callback"
    assert settings.database_url == "sqlite:///var/ivig.sqlite"
    assert settings.timeouts == (3.05, 10.0)
    assert settings.timezone == "UTC"
    assert settings.site is None
    assert not settings.secure_cookies


def test_the_default_issuer_table_and_content_folder_are_those_of_the_project() -> None:
    settings = Settings.from_env({})
    assert settings.issuers.is_file()
    assert settings.content.is_dir()


def test_other_programs_keys_are_left_alone() -> None:
    assert Settings.from_env({"PATH": "/bin", "HOME": "/root"}) == Settings.from_env({})


@pytest.mark.parametrize("key", ["IVIG_DATABSE_URL", "IVIG_", "IVIG_CLIENT_SECRET_", "IVIG_BASE_URL_FILE", "IVIG_LOG_LEVEL_FILE"])
def test_an_unknown_key_is_refused_by_name_and_without_its_value(key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({key: "hunter2"})
    assert key in refused.value.message
    assert "hunter2" not in refused.value.message + str(refused.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("IVIG_ENVIRONMENT", "staging"),
        ("IVIG_BASE_URL", "http://ivig.example.org"),
        ("IVIG_BASE_URL", "https://ivig.example.org/"),
        ("IVIG_BASE_URL", "https://user@ivig.example.org"),
        ("IVIG_BASE_URL", "ivig.example.org"),
        ("IVIG_TIMEZONE", "Mars/Olympus"),
        ("IVIG_TIMEZONE", "../../etc/passwd"),
        ("IVIG_CONNECT_SECONDS", "0"),
        ("IVIG_READ_SECONDS", "121"),
        ("IVIG_READ_SECONDS", "ten"),
        ("IVIG_SESSION_IDLE_MINUTES", "0"),
        ("IVIG_SESSION_IDLE_MINUTES", "481"),
        ("IVIG_SESSION_ABSOLUTE_MINUTES", "1441"),
        ("IVIG_LOG_LEVEL", "LOUD"),
        ("IVIG_SECRET_KEYS", "no-kid"),
        ("IVIG_SECRET_KEYS", f"a:{SECRET},a:{SECRET}"),
    ],
)
def test_a_value_out_of_range_is_refused_and_its_key_named(key: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({key: value})
    assert key in refused.value.message


@pytest.mark.parametrize(("key", "value"), [("IVIG_READ_SECONDS", "120"), ("IVIG_SESSION_IDLE_MINUTES", "480")])
def test_the_largest_allowed_value_is_allowed(key: str, value: str) -> None:
    Settings.from_env({key: value})


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@10")
def test_secrets_come_from_files_too(tmp_path: Path) -> None:
    ring, client = tmp_path / "ring", tmp_path / "client"
    ring.write_text(f"new:{SECRET}\nold:{SECRET}\n")
    client.write_text("s3cret\n")
    settings = Settings.from_env({"IVIG_SECRET_KEYS_FILE": str(ring), "IVIG_CLIENT_SECRET_EPIC_FILE": str(client)})
    assert [kid for kid, _ in settings.secret_keys] == ["new", "old"]
    assert settings.client_secrets == {"IVIG_CLIENT_SECRET_EPIC": "s3cret"}


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="E-41"):
        Settings.from_env({"IVIG_SECRET_KEYS": f"a:{SECRET}", "IVIG_SECRET_KEYS_FILE": str(tmp_path / "ring")})


def test_a_secret_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"IVIG_SECRET_KEYS_FILE": str(tmp_path / "absent")})
    assert "IVIG_SECRET_KEYS_FILE" in refused.value.message


def test_no_secret_is_printed() -> None:
    env = {
        "IVIG_SECRET_KEYS": f"k1:{SECRET}",
        "IVIG_CLIENT_SECRET_EPIC": "s3cret-of-epic",
        "IVIG_DATABASE_URL": "postgresql+psycopg://ivig:pa55word@db/ivig?password=pa55word",
    }
    settings = Settings.from_env(env)
    for printed in (repr(settings), str(settings)):
        assert SECRET not in printed
        assert "s3cret-of-epic" not in printed
        assert "pa55word" not in printed
    assert "IVIG_CLIENT_SECRET_EPIC" in str(settings)
    assert "k1" in str(settings)


def test_production_needs_https_and_keys() -> None:
    assert Settings.from_env(PRODUCTION).secure_cookies
    for missing in ("IVIG_BASE_URL", "IVIG_SECRET_KEYS"):
        with pytest.raises(SettingsError) as refused:
            Settings.from_env({k: v for k, v in PRODUCTION.items() if k != missing})
        assert missing in refused.value.message


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings.from_env({}).timezone = "CET"  # type: ignore[misc]


def test_every_setting_says_what_it_is_for() -> None:
    assert all(len(setting.purpose) > 10 for setting in TABLE)

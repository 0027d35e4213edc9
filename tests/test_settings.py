"""The settings: one documented file and the environment, validated once with all faults at once."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from firecrest_gql.settings import (
    AuthoritySettings,
    DelegationMode,
    DelegationSettings,
    FileSystemSettings,
    IdentitySettings,
    LimitSettings,
    LoginNode,
    SchedulerSettings,
    ServerSettings,
    Settings,
    SettingsError,
    StorageSettings,
    SystemLimits,
    SystemSettings,
    WorkerSettings,
    load_settings,
)

DOCUMENT = (Path(__file__).parent.parent / "docs" / "settings.md").read_text(encoding="utf-8")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMV3iXrcZN4Y/dnY8dn+37IAA1c7MMgb3b9rY05l5mPl"

SECTIONS: dict[str, type[BaseModel]] = {
    "Top level": Settings,
    "identity": IdentitySettings,
    "authority": AuthoritySettings,
    "server": ServerSettings,
    "limits": LimitSettings,
    "worker": WorkerSettings,
    "storage": StorageSettings,
    "systems": SystemSettings,
    "systems: login_nodes, jump_host": LoginNode,
    "systems: delegation": DelegationSettings,
    "systems: scheduler": SchedulerSettings,
    "systems: file_systems": FileSystemSettings,
    "systems: limits": SystemLimits,
}


@pytest.fixture(autouse=True)
def _without_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FIRECREST_{name.upper()}", raising=False)


def smallest() -> dict[str, Any]:
    """The least that a settings file must say."""
    return {
        "identity": {"issuer": "https://id.example.org", "audience": "firecrest"},
        "redis_url": "redis://:hidden@127.0.0.1/0",
        "systems": [
            {
                "name": "alps",
                "login_nodes": [{"host": "login1"}],
                "host_keys": [HOST_KEY],
                "delegation": {"source_addresses": ["192.0.2.1"]},
                "scheduler": {"kind": "slurm"},
            }
        ],
    }


def changed(*keys: str | int, to: object) -> dict[str, Any]:
    """The smallest settings with another value at this place."""
    content = smallest()
    place: Any = content
    for key in keys[:-1]:
        place = place.setdefault(key, {}) if isinstance(place, dict) else place[key]
    place[keys[-1]] = to
    return content


def load(folder: Path, content: object) -> Settings:
    path = folder / "firecrest.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return load_settings(path)


def faults(folder: Path, content: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(folder, content)
    return str(caught.value).splitlines()[1:]


def example() -> str:
    return DOCUMENT.split("```yaml\n", 1)[1].split("```", 1)[0]


def test_the_documented_example_loads(tmp_path: Path) -> None:
    settings = load(tmp_path, example())

    assert [system.name for system in settings.systems] == ["alps", "test-cluster"]
    assert settings.systems[0].delegation.mode is DelegationMode.PER_COMMAND
    assert settings.identity.access_token_type is False


def test_the_documented_example_has_every_block() -> None:
    assert set(yaml.safe_load(example())) == set(Settings.model_fields)


def test_a_service_account_where_the_scheduler_has_no_use_for_one_is_refused(tmp_path: Path) -> None:
    content = changed("systems", 0, "service_account", to="firesvc")
    assert load(tmp_path, content).systems[0].service_account == "firesvc"
    content["systems"][0]["scheduler"]["kind"] = "direct"
    [fault] = faults(tmp_path, content)
    assert "service_account: leave it out" in fault
    assert "systems.0" in fault


def test_few_keys_are_needed(tmp_path: Path) -> None:
    settings = load(tmp_path, smallest())

    assert settings.server.port == 8000
    assert settings.storage is None
    assert settings.system("alps") is settings.systems[0]
    assert settings.system("nowhere") is None


def rows(section: str) -> dict[str, str]:
    """The documented keys of a section with their defaults, as written."""
    text = DOCUMENT.split(f"\n### {section}\n", 1)[1].split("\n### ", 1)[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", text, re.MULTILINE))


@pytest.mark.parametrize("section", SECTIONS)
def test_the_documentation_has_every_key_of(section: str) -> None:
    assert list(rows(section)) == list(SECTIONS[section].model_fields)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_documented_defaults_are_those_of(section: str) -> None:
    for key, default in rows(section).items():
        field = SECTIONS[section].model_fields[key]
        expected = field.get_default(call_default_factory=True)
        if default.startswith("`"):
            assert _read(default.strip("`"), expected) == expected, key
        else:
            assert (default == "required") is field.is_required(), key


def _read(text: str, default: object) -> object:
    """What the documentation writes: strings as they are, all else as YAML."""
    read = text if isinstance(default, str) else yaml.safe_load(text)
    return tuple(read) if isinstance(read, list) else read


def test_all_faults_are_told_at_once_each_with_its_key(tmp_path: Path) -> None:
    content = changed("server", "port", to=99_999)
    content["systems"][0]["scheduler"] = {}
    content["identity"]["algorithms"] = ["HS256", "none"]
    content["surprise"] = 1

    told = "\n".join(faults(tmp_path, content))

    for key in ("server.port", "systems.0.scheduler.kind", "identity.algorithms", "surprise"):
        assert f"  {key}: " in f"{told}\n", told
    assert len(told.splitlines()) == 4


REFUSED: dict[str, tuple[tuple[str | int, ...], object, str]] = {
    "an unknown key of a block": (("server", "prot"), 1, "server.prot"),
    "an unknown key of a system": (("systems", 0, "hostkeys"), [], "systems.0.hostkeys"),
    "no system": (("systems",), [], "systems"),
    "a symmetric algorithm": (("identity", "algorithms"), ["RS256", "HS512"], "HS512"),
    "the algorithm none": (("identity", "algorithms"), ["none"], "none"),
    "a user name pattern that is none": (("identity", "username_pattern"), "[a-z", "identity.username_pattern"),
    "a system without host keys": (("systems", 0, "host_keys"), [], "host_keys or host_authorities is needed"),
    "a host key with a host before it": (("systems", 0, "host_keys"), [f"login1 {HOST_KEY}"], "systems.0.host_keys.0"),
    "certificates for any address": (("systems", 0, "delegation"), {}, "source_addresses is needed"),
    "an address that is none": (
        ("systems", 0, "delegation", "source_addresses"),
        ["login1"],
        "systems.0.delegation.source_addresses.0",
    ),
    "a certificate of an hour for one command": (
        ("systems", 0, "delegation", "certificate_seconds"),
        3600,
        "at most 60 in mode per-command",
    ),
    "a mode that there is not": (("systems", 0, "delegation", "mode"), "password", "systems.0.delegation.mode"),
    "a static key without its file": (("systems", 0, "delegation", "mode"), "static", "key_file is needed"),
    "a variable that a shell would read": (
        ("systems", 0, "scheduler", "environment"),
        {"SLURM_CONF": "/etc/'$(id)'"},
        "systems.0.scheduler.environment.SLURM_CONF",
    ),
    "a name with a blank": (("systems", 0, "name"), "my cluster", "systems.0.name"),
    "a relative tree": (("systems", 0, "allowed_paths"), ["scratch"], "systems.0.allowed_paths.0"),
    "a bucket's name that no store takes": (("storage", "bucket"), "My_Bucket", "storage.bucket"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_is(case: str, tmp_path: Path) -> None:
    keys, value, told = REFUSED[case]

    assert told in "\n".join(faults(tmp_path, changed(*keys, to=value)))


def test_two_systems_of_one_name_are_refused(tmp_path: Path) -> None:
    content = smallest()

    assert "the name alps" in "\n".join(faults(tmp_path, {**content, "systems": content["systems"] * 2}))


def test_the_environment_stands_above_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRECREST_SERVER__PORT", "9000")
    monkeypatch.setenv("FIRECREST_SERVER__ALLOWED_ORIGINS", '["https://portal.example.org"]')
    monkeypatch.setenv("FIRECREST_REDIS_URL", "redis://other/1")

    settings = load(tmp_path, changed("server", "host", to="192.0.2.7"))

    assert (settings.server.host, settings.server.port) == ("192.0.2.7", 9000)
    assert settings.server.allowed_origins == ("https://portal.example.org",)
    assert settings.redis_url.get_secret_value() == "redis://other/1"


def test_the_environments_faults_are_told_as_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRECREST_SERVER__PORT", "many")
    monkeypatch.setenv("FIRECREST_LIMITS__MAX_SOKCETS", "1")

    told = "\n".join(faults(tmp_path, smallest()))

    assert "server.port" in told
    assert "limits.max_sokcets" in told


def test_a_list_in_the_environment_that_is_no_json_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRECREST_SYSTEMS", "alps")

    assert "systems" in "\n".join(faults(tmp_path, smallest()))


def test_other_variables_of_ours_are_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRECREST_CONFIG", "firecrest.yaml")
    monkeypatch.setenv("FIRECREST_DEMO_PORT", "8000")

    assert load(tmp_path, smallest())


@pytest.mark.parametrize("content", ["", "- a list", "just words"])
def test_a_file_without_keys_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="must hold keys and values"):
        load(tmp_path, content)


def test_a_file_that_is_not_there_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yaml cannot be read"):
        load_settings(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("line", ['redis_url: "redis://:hunter2@', "redis_url: *hunter2", "redis_url: !hunter2 x"])
def test_a_fault_in_the_yaml_is_told_by_its_place_and_not_by_its_words(line: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"is not YAML: line \d, column \d") as caught:
        load(tmp_path, f"name: demo\n{line}\n")

    assert "hunter2" not in str(caught.value)


def test_secrets_do_not_show(tmp_path: Path) -> None:
    settings = load(tmp_path, changed("storage", to={"endpoint_url": "https://s3", "bucket": "staging", **KEYS}))

    assert "hidden" not in f"{settings!r} {settings}"


KEYS = {"access_key_id": "hidden-id", "secret_access_key": "hidden-secret"}


def test_a_system_admits_by_scope_and_by_name(tmp_path: Path) -> None:
    content = changed("systems", 0, "required_scope", to="alps")
    content["systems"][0]["allowed_users"] = ["ada"]
    system = load(tmp_path, content).systems[0]

    assert system.admits("ada", frozenset({"alps", "firecrest"}))
    assert not system.admits("ada", frozenset({"firecrest"}))
    assert not system.admits("grace", frozenset({"alps"}))


def test_settings_do_not_change_after_start(tmp_path: Path) -> None:
    settings = load(tmp_path, smallest())

    with pytest.raises(ValueError, match="frozen"):
        settings.server.port = 1  # type: ignore[misc]

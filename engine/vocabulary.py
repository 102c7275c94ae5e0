"""The settings that there are, and which values each can have: assay's own, and those of DVC 3.

Only writing asks here. What a configuration file holds beyond these is kept and does no harm; but DVC refuses to
begin with a key that it does not know, so none is written for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit

from assay.engine.configtext import NAMED
from assay.engine.errors import ConfigError
from assay.engine.layout import LINK_KINDS

ASSAY = """
core: remote autostage=flag hash=xxh128|sha256
cache: dir type=links shared=group
gc: grace=time fresh=time
exp: auto_push=flag git_remote
user: name email
hydra: enabled=flag config_dir config_module config_name plugins_path
parsing: bool=store_true|boolean_optional list=nargs|append
"""

DVC = """
core: remote checksum_jobs=count interactive=flag analytics=flag hardlink_lock=flag no_scm=flag autostage=flag
  experiments=flag check_update=flag site_cache_dir machine
cache: dir type=links shared=group slow_link_warning=flag verify=flag protected=flag local s3 gs hdfs webhdfs ssh azure
exp: auto_push=flag git_remote code data models metrics params plots live
hydra: enabled=flag config_dir config_module config_name plugins_path
parsing: bool=store_true|boolean_optional list=nargs|append
plots: html_template auto_open=flag out_dir
studio: token url repo_url offline=flag
state: dir row_limit=count row_cleanup_quota=whole
index: dir
feature: machine=flag
db: url username password
remote: url checksum_jobs=count jobs=count worktree=flag no_traverse=flag version_aware=flag
remote local: type=links protected=flag shared=group slow_link_warning=flag verify=flag
remote s3: region profile credentialpath configpath endpointurl access_key_id secret_access_key session_token
  listobjects=flag use_ssl=flag allow_anonymous_login=flag ssl_verify sse sse_kms_key_id sse_customer_algorithm
  sse_customer_key acl grant_read grant_read_acp grant_write_acp grant_full_control read_timeout=whole
  connect_timeout=whole verify=flag
remote gs: projectname credentialpath endpointurl verify=flag allow_anonymous_login=flag
remote ssh: type=links port=whole user password ask_password=flag passphrase ask_passphrase=flag keyfile timeout=whole
  gss_auth=flag allow_agent=flag max_sessions=whole verify=flag
remote hdfs: user kerb_ticket
remote webhdfs: kerberos=flag kerberos_principal proxy_to ssl_verify token use_https=flag user password
  data_proxy_target verify=flag
remote azure: connection_string sas_token account_name account_key tenant_id client_id client_secret
  allow_anonymous_login=flag exclude_environment_credential=flag exclude_visual_studio_code_credential=flag
  exclude_shared_token_cache_credential=flag exclude_managed_identity_credential=flag verify=flag timeout=whole
  read_timeout=whole connection_timeout=whole
remote oss: oss_key_id oss_key_secret oss_endpoint verify=flag
remote gdrive: profile gdrive_use_service_account=flag gdrive_client_id gdrive_client_secret
  gdrive_user_credentials_file gdrive_service_account_user_email gdrive_service_account_json_file_path
  gdrive_trash_only=flag gdrive_acknowledge_abuse=flag verify=flag
remote http: auth=basic|digest|custom custom_auth_header user password ask_password=flag ssl_verify method
  connect_timeout=seconds read_timeout=seconds verify=flag
remote webdav: user password ask_password=flag token bearer_token_command custom_auth_header cert_path key_path
  timeout=whole ssl_verify verify=flag
"""

_SECRETS = """
password passphrase token account_key sas_token connection_string client_secret oss_key_secret secret_access_key
session_token sse_customer_key gdrive_client_secret
"""
SECRET = frozenset(_SECRETS.split())
"""Settings whose values are shown to nobody and belong into no file that is shared."""

_TEXTS = {"assay": ASSAY, "dvc": DVC}
_SAME = {"https": "http", "webdavs": "webdav", "file": "local", "": "local"}
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


@cache
def known(name: str) -> Mapping[str, Mapping[str, str]]:
    """The settings of a vocabulary ("assay", "dvc"): by section, then key, the kind of value."""
    found: dict[str, dict[str, str]] = {}
    section = ""
    for line in _TEXTS[name].strip().splitlines():
        head, colon, rest = line.partition(":")
        section = head if colon else section
        for word in (rest if colon else line).split():
            key, _, kind = word.partition("=")
            found.setdefault(section, {})[key] = kind or "text"
    return found


def split(key: str) -> tuple[str, str]:
    """A dotted key as (section, key): ``remote.origin.url`` is ``url`` in ``remote "origin"``.

    Raises:
        ConfigError: It has no dot.
    """
    parts = key.lower().split(".")
    if len(parts) < 2 or not all(parts):
        raise ConfigError(f"{key!r} is no setting.", "Write it as section.key, or remote.NAME.key.")
    if parts[0] in NAMED and len(parts) >= 3:
        return f'{parts[0]} "{".".join(parts[1:-1])}"', parts[-1]
    return ".".join(parts[:-1]), parts[-1]


def dotted(section: str, key: str) -> str:
    """The other way round: what `split` takes apart."""
    name = section.replace(' "', ".", 1).removesuffix('"') if section.endswith('"') else section
    return f"{name}.{key}" if name else key


def check(name: str, section: str, key: str, value: str | None, *, url: str = "") -> None:
    """Refuses a setting that there is not, and a value with which no later command could begin.

    Args:
        name: The vocabulary.
        section: As `split` gives it.
        key: As `split` gives it.
        value: The value; None where only the name counts.
        url: For the setting of a remote, where that remote is.

    Raises:
        ConfigError: There is no such setting, or it cannot have this value.
    """
    kinds = _kinds(name, section, url)
    if kinds is not None and key not in kinds:
        raise _unknown(name, dotted(section, key), section, kinds)
    if value is not None and kinds is not None:
        _check_value(dotted(section, key), kinds[key], value)


def _kinds(name: str, section: str, url: str) -> Mapping[str, str] | None:
    """The keys that a section can have; None where every key is somebody's."""
    words = known(name)
    kind, quote, name_of = section.partition(' "')
    if not quote:
        return words.get(section, {}) if section not in NAMED else {}
    if name == "assay":
        return None if kind == "remote" else {}
    if kind != "remote":
        return words.get(kind, {})
    if not url:
        raise ConfigError(f"The remote {name_of[:-1]!r} has no url.", "Set that first: DVC needs it.")
    parts = urlsplit(url)
    scheme = parts.scheme.lower() if parts.netloc else ""
    if scheme == "remote":
        return None
    own = words.get(f"remote {_SAME.get(scheme, scheme)}")
    if own is None and scheme:
        raise ConfigError(f"{scheme}:// is a kind of URL that no remote can have.")
    return {**words["remote"], **(own or {})}


def _unknown(name: str, wanted: str, section: str, kinds: Mapping[str, str]) -> ConfigError:
    from difflib import get_close_matches

    all_keys = [dotted(section, one) for one in kinds]
    plain = {one: keys for one, keys in known(name).items() if " " not in one and one not in NAMED}
    all_keys += [f"{one}.{key}" for one, keys in plain.items() for key in keys]
    near = get_close_matches(wanted, all_keys, 1)
    hint = f"Did you mean {near[0]}?" if near else "Known: " + ", ".join(sorted(all_keys)) + "."
    return ConfigError(f"There is no setting {wanted!r}.", hint)


def _check_value(key: str, kind: str, value: str) -> None:
    if kind == "text":
        return
    if kind == "links":
        wrong = [word for word in map(str.strip, value.split(",")) if word not in LINK_KINDS]
        if wrong:
            raise ConfigError(f"{key} cannot be {wrong[0]!r}; it is some of {', '.join(LINK_KINDS)}.")
    elif kind == "time":
        seconds(key, value)
    elif kind == "flag":
        if value.lower() not in ("true", "false"):
            raise ConfigError(f"{key} cannot be {value!r}; it is true or false.")
    elif kind in ("count", "whole"):
        if not (value.isascii() and value.isdecimal()) or len(value) > 9 or (kind == "count" and int(value) < 1):
            raise ConfigError(f"{key} cannot be {value!r}; it is a whole number{' from 1' if kind == 'count' else ''}.")
    elif kind == "seconds":
        if not value.replace(".", "", 1).isdecimal():
            raise ConfigError(f"{key} cannot be {value!r}; it is a number of seconds.")
    elif value.lower() not in kind.split("|"):
        raise ConfigError(f"{key} cannot be {value!r}; it is {' or '.join(kind.split('|'))}.")


def seconds(key: str, value: str) -> float:
    """A length of time as a setting gives it: ``14d``, ``12h``, ``30m``, ``45s``; a number alone counts days.

    Raises:
        ConfigError: It is something else.
    """
    unit = _UNITS.get(value[-1:].lower())
    number = value[:-1] if unit else value
    if not (number.isascii() and number.isdecimal()) or len(number) > 6:
        raise ConfigError(f"{key} cannot be {value!r}; it is a length of time such as 14d, 12h or 30m.")
    return int(number) * (unit or _UNITS["d"])

"""The proxy's settings: each by a flag, by the environment and by a file, in this order.

`SETTINGS` has a row for each. Those of the proxy stand in `[tool.replaycache.serve]`, the options that mean the
same everywhere in `[tool.replaycache]`.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from .._errors import ConfigurationError
from ..accounts.amounts import parse_size
from ..configuration import Configuration, check_names, check_option, defaults
from ..options import IGNORE_HOSTS_VARIABLE, MODE_VARIABLE, Mode, parse_duration, parse_hosts, parse_sample
from ..stores import check_names_store
from .upstreams import Upstream, parse_upstream

HOST, PORT = "127.0.0.1", 8377
PREFIX = "REPLAYCACHE_SERVE_"
LEAST_TOKEN = 16
STORED_BYTES = 64 << 20
"""The largest body of a request that is stored: it is read into memory."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a proxy is set up.

    Attributes:
        host: that it listens on.
        port: 0 for any free one.
        upstreams: that the user named, by name.
        store: as `open_store` takes it.
        options: those that the user named, as `Options.parse` takes them, without `store`.
        allowed_modes: that calls may name; empty for every one, and where the mode is `replay` for that alone.
        cassettes: the directory of the cassettes that calls may name; None where they may name none.
        token: that callers have to send; empty where nobody has to.
        allowed_hosts: further names in `Host` headers.
        allow_origins: origins of web pages that may call.
        max_request_bytes: the largest body of a request.
        max_concurrency: calls in flight.
        timeout: seconds that upstream may be silent.
        grace: seconds that calls in flight have to finish when the server ends.
        log: `"text"` or `"json"`.
    """

    host: str = HOST
    port: int = PORT
    upstreams: Mapping[str, Upstream] = field(default_factory=dict)
    store: str | list[str] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    allowed_modes: tuple[str, ...] = ()
    cassettes: Path | None = None
    token: str = field(default="", repr=False)
    allowed_hosts: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    max_request_bytes: int = 512_000_000
    max_concurrency: int = 512
    timeout: float = 600.0
    grace: float = 10.0
    log: str = "text"

    def __post_init__(self) -> None:
        if not is_loopback(self.host) and not self.token:
            raise ConfigurationError(
                f"host={self.host!r} is open to other machines, and whoever reaches the proxy reads everybody's "
                f"answers: give a token, in a file that --token-file names or in {PREFIX}TOKEN, or listen on "
                f"{HOST}"
            )


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches what listens on a host."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


class Setting(NamedTuple):
    """One setting.

    Attributes:
        name: in a file; `--name` with hyphens is its flag.
        read: makes the value of what was given (text, or a value of TOML); the second argument says where.
        help: a line for people.
        metavar: stands for its value there.
        many: whether its flag may be repeated; in the environment commas stand between its values.
        is_option: whether it is one of the options that mean the same everywhere.
        env: the variable; by its name where it is empty.
    """

    name: str
    read: Callable[[Any, str], Any]
    help: str
    metavar: str
    many: bool = False
    is_option: bool = False
    env: str = ""

    @property
    def variable(self) -> str:
        """Of the environment."""
        return self.env or f"{PREFIX}{self.name.upper()}"

    @property
    def flag(self) -> str:
        """On the command line."""
        return f"--{self.name.replace('_', '-')}"


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{where}={value!r} is wrong; it takes text")
    return value.strip()


def _host(value: Any, where: str) -> str:
    text = _text(value, where).strip("[]")
    if not re.fullmatch(r"[A-Za-z0-9.:%_-]+", text) or (":" in text and not _is_address(text)):
        raise ConfigurationError(f"{where}={value!r} is no host; write a name or an address, the port by --port")
    return text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _whole(least: int, most: int, what: str) -> Callable[[Any, str], int]:
    def read(value: Any, where: str) -> int:
        text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"\d{1,15}", text) or not least <= int(text) <= most:
            raise ConfigurationError(f"{where}={value!r} is wrong; it takes {what}")
        return int(text)

    return read


def _seconds(value: Any, where: str) -> float:
    return parse_duration(value, where) or 0.0


def _above_0(make: Callable[[Any, str], float]) -> Callable[[Any, str], float]:
    def read(value: Any, where: str) -> float:
        found = make(value, where)
        if not found:
            raise ConfigurationError(f"{where}={value!r} is wrong; it takes more than 0")
        return found

    return read


def _one_of(*words: str) -> Callable[[Any, str], str]:
    def read(value: Any, where: str) -> str:
        if value not in words:
            raise ConfigurationError(f"{where}={value!r} is wrong; it takes {' or '.join(map(repr, words))}")
        return str(value)

    return read


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < 1e6 or isinstance(value, bool):
        raise ConfigurationError(f"{where}={value!r} is wrong; it takes a number from 0 on")
    return number


def _list(value: Any, where: str) -> list[str]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise ConfigurationError(f"{where}={value!r} is wrong; it takes a list of texts")
    return [item.strip() for item in items if item.strip()]


def _hosts(value: Any, where: str) -> tuple[str, ...]:
    return parse_hosts(_list(value, where), where)


def _modes(value: Any, where: str) -> tuple[str, ...]:
    return tuple(Mode.parse(item, where).value for item in _list(value, where))


def _origins(value: Any, where: str) -> tuple[str, ...]:
    origins = tuple(origin.rstrip("/").lower() for origin in _list(value, where))
    for origin in origins:
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s*?#@]+", origin):
            raise ConfigurationError(
                f"{where}={origin!r} is no origin; write one such as http://localhost:3000, whole and without *"
            )
    return origins


def _upstreams(value: Any, where: str) -> dict[str, Upstream]:
    if isinstance(value, Mapping):
        pairs = list(value.items())
    else:
        pairs = []
        for item in _list(value, where):
            name, equals, url = item.partition("=")
            if not equals:
                raise ConfigurationError(f"{where}={item!r} is no upstream; write NAME=URL")
            pairs.append((name.strip(), url.strip()))
    return {name: parse_upstream(name, url, where) for name, url in pairs}


def _directory(value: Any, where: str) -> Path:
    path = Path(_text(value, where)).expanduser()
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"{where}={value!r} is a file; name the directory of the cassettes")
    return path


def _token(text: str, where: str) -> str:
    token = text.strip()
    if len(token) < LEAST_TOKEN or not re.fullmatch(r"[\x21-\x7e]+", token):
        # never the value itself
        raise ConfigurationError(
            f"{where}: a token has at least {LEAST_TOKEN} characters of ASCII and no spaces; make one with "
            f"`python -c 'import secrets; print(secrets.token_urlsafe(24))'`"
        )
    return token


def _token_file(value: Any, where: str) -> str:
    path = Path(_text(value, where)).expanduser()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{where}={value!r} cannot be read: {error}") from None
    return _token(text, f"{where}={value!r}")


def _store(value: Any, where: str) -> str | list[str]:
    """A store, or several caches, one before the other."""
    names = _list(value, where)
    if not names:
        raise ConfigurationError(f"{where}={value!r} is wrong; it takes text")
    for name in names:
        check_names_store(name, where)
    return names[0] if len(names) == 1 else names


def _option(
    name: str, help: str, metavar: str, env: str = "", make: Callable[[Any, str], Any] | None = None
) -> Setting:
    """A row for one of `Options`; `make` gives what text stands for, where that does not take text."""

    def read(value: Any, where: str) -> Any:
        made = value if make is None else make(value, where)
        check_option(name, made, where)
        return made

    return Setting(name, read, help, metavar, is_option=True, env=env)


SETTINGS: tuple[Setting, ...] = (
    Setting("host", _host, f"Listen on it ({HOST}); with a token only, where others reach it.", "HOST"),
    Setting("port", _whole(0, 65535, "a port, 0 for any"), f"Listen on it ({PORT}); 0: any that is free.", "PORT"),
    Setting("upstream", _upstreams, "Call URL for /NAME/...; may replace a known one.", "NAME=URL", many=True),
    Setting(
        "store",
        _store,
        "A directory, redis://HOST or :memory:; several: one before the other.",
        "STORE",
        many=True,
        is_option=True,
    ),
    _option("mode", "auto, replay, record, once, verify or off.", "MODE", MODE_VARIABLE, make=Mode.parse),
    Setting(
        "allowed_mode",
        _modes,
        "A mode that calls may name by header (any; with --mode replay, no other).",
        "MODE",
        many=True,
    ),
    Setting("cassettes", _directory, "Calls may name cassettes in it by header.", "DIR"),
    _option("ttl", "Older recordings are misses: 12h, 7d.", "AGE", make=parse_duration),
    _option("pace", "0: at once (the default); 1: as recorded.", "NUMBER", make=_number),
    _option("sample", "Ask for further answers to the same requests.", "NUMBER", make=parse_sample),
    _option("repeats", "same or sequence.", "HOW"),
    _option("on_abandon", "discard or drain: what becomes of an answer whose caller left.", "WHAT"),
    _option("budget", "What live calls may cost, such as 2.", "USD", "REPLAYCACHE_BUDGET"),
    _option(
        "ignore_hosts",
        "Hosts of upstreams that are left alone, with commas between them.",
        "HOSTS",
        IGNORE_HOSTS_VARIABLE,
        make=_hosts,
    ),
    _option("fault", "What goes wrong with replayed answers: cut:after=5, status:429,times=2.", "FAULT"),
    Setting("token_file", _token_file, "Callers have to send the token that this file holds.", "FILE"),
    Setting("allowed_host", _hosts, "A further name of this server in Host.", "HOST", many=True),
    Setting("allow_origin", _origins, "Web pages of this origin may call.", "ORIGIN", many=True),
    Setting("max_request_bytes", _above_0(parse_size), "Larger bodies are refused (512MB).", "SIZE"),
    Setting("max_concurrency", _whole(1, 100_000, "a number from 1 on"), "Calls in flight (512).", "NUMBER"),
    Setting("timeout", _above_0(_seconds), "Upstream may be silent for so long (10m).", "TIME"),
    Setting("grace", _seconds, "At the end, calls in flight have so long (10s).", "TIME"),
    Setting("log", _one_of("text", "json"), "text (the default) or json: a line for each call.", "FORMAT"),
)
"""In the order in which help lists them."""


def read_settings(given: Mapping[str, Any] | None = None, *, start: Path | None = None) -> Settings:
    """Reads them from flags, the environment and the nearest pyproject.toml.

    Args:
        given: what stands on the command line, by the names of `SETTINGS`; what is None or empty was not given.

    Raises:
        ConfigurationError: a name is misspelt or a value is wrong; the text says where it stands.
    """
    given = given or {}
    file = defaults(start)
    section = section_of(file)
    found: dict[str, Any] = {}
    options = dict(file.options)
    for row in SETTINGS:
        value = given.get(row.name)
        if value is not None and value != ():
            read = row.read(value, row.flag)
        elif os.environ.get(row.variable):
            read = row.read(os.environ[row.variable], row.variable)
        elif not row.is_option and row.name in section:
            read = row.read(_of_file(row.name, section[row.name], file.path), f"{_where(file)}: {row.name}")
        else:
            continue
        (options if row.is_option else found)[row.name] = read
    token = os.environ.get(f"{PREFIX}TOKEN", "")
    from_file = found.pop("token_file", "")
    token = from_file if given.get("token_file") or not token else _token(token, f"{PREFIX}TOKEN")
    names = {
        "upstream": "upstreams",
        "allowed_mode": "allowed_modes",
        "allowed_host": "allowed_hosts",
        "allow_origin": "allow_origins",
    }
    return Settings(
        store=options.pop("store", None),
        options=options,
        token=token,
        **{names.get(name, name): value for name, value in found.items()},
    )


def section_of(file: Configuration) -> Mapping[str, Any]:
    """What a file says of the proxy alone, as it stands there.

    Raises:
        ConfigurationError: a name is misspelt.
    """
    section = file.sections.get("serve", {})
    for row in SETTINGS:
        if row.is_option and row.name in section:
            raise ConfigurationError(f"{_where(file)}: there is no {row.name!r}. It stands in [tool.replaycache]")
    check_names(section, [row.name for row in SETTINGS if not row.is_option], _where(file))
    return section


def _where(file: Configuration) -> str:
    return f"{file.path}: [tool.replaycache.serve]"


def _of_file(name: str, value: Any, path: Path | None) -> Any:
    """A path in a file is relative to it."""
    if name in ("cassettes", "token_file") and isinstance(value, str) and path is not None:
        return str(path.parent / os.path.expanduser(value))
    return value

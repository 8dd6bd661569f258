"""Which hosts are meant by a pattern."""

from __future__ import annotations

import pytest

from replaycache.wire.hosts import HostPattern, are_meant

LOOPBACK = [
    "http://localhost/",
    "http://LOCALHOST:8000/v1",
    "http://localhost.:8000/",
    "https://api.localhost:8443/",
    "http://127.0.0.1:11434/api/chat",
    "http://127.1.2.3/",
    "http://[::1]:8080/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://0.0.0.0:8000/",
    "http://[::]/",
    "http://user:pass@localhost/",
]
ELSEWHERE = [
    "https://api.openai.com/v1",
    "http://localhost.example.com/",
    "http://notlocalhost/",
    "http://128.0.0.1/",
    "http://10.0.0.1/",
    "http://127.0.0.1.example.com/",
    "http://[::2]/",
    "http://localhost@api.openai.com/",
    "https://api.openai.com/localhost?localhost#localhost",
]


def means(pattern: str, url: str) -> bool:
    return are_meant([HostPattern.parse(pattern)], url)


@pytest.mark.parametrize("url", LOOPBACK)
def test_localhost_is_every_loopback_name_and_address(url: str) -> None:
    assert means("localhost", url)
    assert means("LocalHost", url)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_localhost_is_nothing_else(url: str) -> None:
    assert not means("localhost", url)


@pytest.mark.parametrize(
    ("pattern", "url", "expected"),
    [
        ("localhost:8000", "http://127.0.0.1:8000/", True),
        ("localhost:8000", "http://127.0.0.1:8001/", False),
        ("localhost:80", "http://[::1]/", True),
        ("localhost:443", "https://localhost/", True),
        ("localhost:*", "http://localhost:9/", True),
        ("*.example.com", "https://api.example.com/", True),
        ("*.example.com", "https://api.example.com:8443/", True),
        ("*.example.com", "https://example.com/", False),
        ("*.example.com", "https://example.com.evil.test/", False),
        ("*.example.com:443", "https://a.b.example.com/", True),
        ("*.example.com:443", "http://a.b.example.com/", False),
        ("API.Example.com.", "https://api.example.com/", True),
        ("api.example.com", "https://apiXexample.com/", False),
        ("10.0.*", "http://10.0.3.4/", True),
        ("10.0.*", "http://10.1.3.4/", False),
        ("127.0.0.1", "http://localhost/", False),
        ("::1", "http://[::1]:8080/", True),
        ("[0:0::1]:8080", "http://[::1]:8080/", True),
        ("[::1]:8080", "http://[::1]:8081/", False),
        ("[fe80::*]:80", "http://[fe80::2]/", True),
        ("*:8080", "https://anything.example:8080/", True),
        ("*:8080", "https://anything.example/", False),
        ("münchen.example", "https://xn--mnchen-3ya.example/", True),
        ("*.münchen.example", "https://api.xn--mnchen-3ya.example/", True),
        ("*münchen.example", "https://xn--mnchen-3ya.example/", True),
        ("*münchen.example", "https://api.xn--mnchen-3ya.example/", True),
        ("mün*.example", "https://xn--mnchen-3ya.example/", True),
        ("MÜNCHEN.example", "https://xn--mnchen-3ya.example/", True),
        ("xn--mnchen-3ya.example", "https://münchen.example/", True),
        ("xn--*.example", "https://xn--mnchen-3ya.example/", True),
        ("faß.example", "https://xn--fa-hia.example/", True),
        ("faß.example", "https://fass.example/", False),
        ("api。ｅｘａｍｐｌｅ", "https://api.example/", True),
        ("＊.example", "https://api.example/", True),
        ("＊.example", "https://api.other/", False),
    ],
)
def test_a_pattern_means(pattern: str, url: str, expected: bool) -> None:
    assert means(pattern, url) is expected


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("", "is empty; write"),
        ("  ", "is empty; write"),
        ("*", "means every host; use the mode 'off'"),
        ("**", "means every host"),
        ("*.*", "means every host"),
        ("*:*", "means every host"),
        ("＊", "means every host"),
        ("*。*", "means every host"),
        ("*:443", "means every host at port 443"),
        ("*:80", "means every host at port 80"),
        ("http://localhost:8000", "write the host alone"),
        ("https://*.example.com/v1", "write the host alone"),
        ("//localhost", "write the host alone"),
        ("localhost/v1", "write the host alone"),
        ("localhost:", "is no host"),
        ("localhost:http", "is no host"),
        ("localhost:0", "is no host"),
        ("localhost:65536", "is no host"),
        ("a b", "is no host"),
        ("a,b", "is no host"),
        ("user@host", "is no host"),
        ("host?a=1", "is no host"),
        ("[::1", "is no host"),
        ("[]", "is no host"),
        ("::1:x", "is no host"),
        ("ü" * 64, "is no host"),
    ],
)
def test_what_is_no_pattern_says_what_to_write(wrong: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        HostPattern.parse(wrong)


def test_a_host_of_which_no_port_is_known() -> None:
    assert HostPattern.parse("localhost").admits("127.0.0.1", None)
    assert not HostPattern.parse("localhost:80").admits("127.0.0.1", None)

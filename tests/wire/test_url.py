"""URLs: the same one by another authority, and what is none."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache.wire import url as urls


@pytest.mark.parametrize(
    ("url", "authority", "expected"),
    [
        ("http://127.0.0.1:8000", "example.test", "http://example.test"),
        ("http://127.0.0.1:8000/", "example.test", "http://example.test/"),
        ("http://127.0.0.1:8000?a=/b", "example.test", "http://example.test?a=/b"),
        ("http://127.0.0.1:8000#part", "example.test", "http://example.test#part"),
        ("http://127.0.0.1:8000/v1/x?y#z", "example.test:81", "http://example.test:81/v1/x?y#z"),
        ("http://t/t", "other.test", "http://other.test/t"),
        ("http://user:secret@a.test/v1", "b.test", "http://b.test/v1"),
        ("http://user:p%40ss@a.test?q", "b.test", "http://b.test?q"),
        ("http://[::1]:8000/v1", "b.test", "http://b.test/v1"),
        ("http://[::1]", "[::2]:90", "http://[::2]:90"),
        ("https://a.test:443/v1", "A.Test", "https://a.test:443/v1"),
        ("https://a.test", "a.test:8443", "https://a.test:8443"),
        ("http://a.test", "b_c.test", "http://b_c.test"),
        ("http://a.test/x", "b/c d", "http://b%2Fc%20d/x"),
        ("http://a.test/x", "b%2Fc%20d", "http://b%252Fc%2520d/x"),
        ("http://a.test/x", "[b", "http://%5Bb/x"),
        ("http://a.test/x", "[::1::2]", "http://%5B::1::2%5D/x"),
        ("http://a.test/x", "user@b.test", "http://user%40b.test/x"),
        ("http://a.test/x", "\xfcb.test", "http://%C3%BCb.test/x"),
        ("http://a.test/x", "", "http:///x"),
    ],
)
def test_the_same_url_by_another_authority(url: str, authority: str, expected: str) -> None:
    assert urls.at_authority(url, authority) == expected


def test_what_is_no_absolute_url_has_no_authority() -> None:
    with pytest.raises(ValueError, match="not an absolute URL"):
        urls.at_authority("/v1/x", "a.test")


paths = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/?#"), max_size=8)
absolute = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["a.test", "127.0.0.1:8000", "[::1]", "[::1]:80", "u:p@a.test", "t"]),
    st.just("") | paths.map("/{}".format),
    st.just("") | paths.map("?{}".format),
    st.just("") | paths.map("#{}".format),
)


@given(absolute, st.text(st.characters(max_codepoint=255), max_size=12))
def test_only_the_authority_changes(url: str, authority: str) -> None:
    made = urls.at_authority(url, authority)

    before, after = urls.parse(url), urls.parse(made)
    assert (after.scheme, after.path, after.query) == (before.scheme, before.path, before.query)
    assert urls.fault(made) == ""


names = st.text(st.characters(max_codepoint=255, exclude_categories=["Lu"]), max_size=6)


@given(absolute, st.lists(names, min_size=2, max_size=2, unique=True))
def test_different_authorities_stay_apart(url: str, authorities: list[str]) -> None:
    one, other = (urls.at_authority(url, authority) for authority in authorities)

    assert one != other


@given(st.text(max_size=30) | absolute)
def test_what_a_client_sends_has_no_fault(text: str) -> None:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return
    if url.scheme and url.host:
        assert urls.fault(str(url)) == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/v1",
        "://a.test/",
        "a/b://c",
        "1http://a.test",
        "ht tp://a.test",
        "http://a.test/a b",
        "http://a.test/a\nb",
        "http://a\x00.test/",
        "http://[::1/",
        "http://::1]/",
        "http://[a.test]/",
    ],
)
def test_what_no_request_can_have_been_sent_to(url: str) -> None:
    assert urls.fault(url)

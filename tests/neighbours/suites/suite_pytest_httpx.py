import asyncio

import httpx
import pytest


def test_fixture(httpx_mock):
    httpx_mock.add_response(url="https://api.example/x", text="mocked")
    assert httpx.get("https://api.example/x").text == "mocked"
    assert len(httpx_mock.get_requests()) == 1


def test_async(httpx_mock):
    async def ask():
        async with httpx.AsyncClient() as client:
            return (await client.get("https://api.example/x")).json()

    httpx_mock.add_response(json={"a": 1})
    assert asyncio.run(ask()) == {"a": 1}


@pytest.mark.httpx_mock(assert_all_responses_were_requested=False)
def test_mark(httpx_mock):
    httpx_mock.add_response(url="https://api.example/never")
    with pytest.raises(httpx.TimeoutException):
        httpx.get("https://api.example/other")
    httpx_mock.reset()


def test_what_is_not_asked_for_fails(httpx_mock):
    httpx_mock.add_response(url="https://api.example/never")

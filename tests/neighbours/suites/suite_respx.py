import httpx
import pytest
import respx


@pytest.mark.respx(base_url="https://api.example")
def test_fixture(respx_mock):
    route = respx_mock.get("/x").respond(200, text="mocked")
    assert httpx.get("https://api.example/x").text == "mocked"
    assert route.call_count == 1


@respx.mock
def test_decorator():
    respx.post("https://api.example/y").mock(side_effect=httpx.ConnectError)
    with pytest.raises(httpx.ConnectError):
        httpx.post("https://api.example/y")
    with pytest.raises(AssertionError, match="not mocked"):
        httpx.get("https://api.example/z")


@pytest.mark.respx(assert_all_called=True)
def test_an_unused_route_fails(respx_mock):
    respx_mock.get("https://api.example/never").respond(200)

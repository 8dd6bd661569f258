from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scripted_server import ScriptedServer
from tests.vcr.suites import Counting, Suite


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Suite]:
    counting = Counting()
    with ScriptedServer(counting) as upstream:
        yield Suite(pytester, upstream, counting, monkeypatch)

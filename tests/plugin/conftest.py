from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plugin.projects import Project, numbered
from tests.scripted_server import ScriptedServer


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with ScriptedServer(numbered()) as upstream:
        yield Project(pytester, upstream, monkeypatch)

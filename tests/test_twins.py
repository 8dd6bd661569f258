"""The adapters are one text, equal in full but for the library's name and for `async` and `await`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import replaycache.httpx2

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(replaycache.httpx2.__file__).parent


def _deriver() -> ModuleType:
    spec = importlib.util.spec_from_file_location("derive_adapters", ROOT / ".ci" / "derive_adapters.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_modules_are_what_the_asynchronous_half_derives_to() -> None:
    derived = _deriver().derive((PACKAGE / "httpx2.py").read_text("utf-8"))

    assert sorted(derived) == ["httpx.py", "httpx2.py"]
    for name, text in derived.items():
        assert (PACKAGE / name).read_text("utf-8") == text


def test_the_check_notices_a_line_that_was_changed_or_cut() -> None:
    derive = _deriver().derive
    text = (PACKAGE / "httpx2.py").read_text("utf-8")

    assert derive(text + "\n# more")["httpx2.py"] != text + "\n# more"
    shorter = text.rsplit("\n", 3)[0]
    assert derive(shorter)["httpx2.py"] != shorter

"""Runs what needs an environment of its own: each file of tests/sdks, tests/neighbours, and a stricter suite.

    nox -f .ci/noxfile.py                   all SDKs
    nox -f .ci/noxfile.py -t main           those that continuous integration runs
    nox -f .ci/noxfile.py -s "sdk(groq)"    one; what follows -- goes to pytest
    nox -f .ci/noxfile.py -s neighbours     other plugins of pytest beside ours
    nox -f .ci/noxfile.py -s pages          what docs/how-to and docs/migrate say of other libraries
    nox -f .ci/noxfile.py -s strict         the suite in random order and in Python's development mode
    nox -f .ci/noxfile.py -l                lists them

The environments are kept in .ci/.cache/sdks; `-R` runs them again without installing.
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "sdks"
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
SDKS = tomllib.loads((TESTS / "sdks.toml").read_text("utf-8"))

nox.options.envdir = str(ROOT / ".ci" / ".cache" / "sdks")
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True


@nox.session
@nox.parametrize(
    "name", [nox.param(name, id=name, tags=["main"] if SDKS[name].get("main") else []) for name in SDKS]
)
def sdk(session: nox.Session, name: str) -> None:
    """Records through an SDK from a local server, stops the server and replays."""
    wanted = SDKS[name]
    session.install("--editable", str(ROOT), "pytest>=8.2", *wanted["install"])
    file = TESTS / wanted.get("file", f"test_{name.replace('-', '_')}.py")
    session.chdir(ROOT)
    session.run("python", "-m", "pytest", "-q", "-c", str(TESTS / "pytest.ini"), *session.posargs, str(file))


@nox.session(tags=["main"])
def neighbours(session: nox.Session) -> None:
    """Runs other pytest plugins' suites with and without ours, all of them in one environment."""
    plugins = (
        "cassetter[httpx]",
        "pytest-httpx",
        "pytest-randomly",
        "pytest-recording",
        "pytest-replay",
        "pytest-rerunfailures",
        "pytest-socket",
        "pytest-xdist",
        "requests",
        "respx",
    )
    session.install("--editable", str(ROOT), "pytest>=8.2", *plugins)
    session.chdir(ROOT)
    tests = ROOT / "tests" / "neighbours"
    session.run("python", "-m", "pytest", "-q", "-c", str(tests / "pytest.ini"), *session.posargs, str(tests))


@nox.session
def pages(session: nox.Session) -> None:
    """Runs what docs/how-to and docs/migrate show, with the newest libraries of which they speak."""
    libraries = (
        "fastapi",
        "ipykernel",
        "langchain",
        "langchain-openai",
        "langfuse",
        "langsmith",
        "litellm[proxy]",
        "logfire",
        "mcp",
        "nbclient",
        "openai>=3",
        "opentelemetry-sdk",
        "uvicorn",
    )
    session.install("--editable", f"{ROOT}[cli,httpx2,prices]", "pytest>=8.2", *libraries)
    session.chdir(ROOT)
    tests = ROOT / "tests" / "docs" / "apart"
    session.run("python", "-m", "pytest", "-q", "-c", str(tests / "pytest.ini"), *session.posargs, str(tests))


@nox.session
def strict(session: nox.Session) -> None:
    """Runs the suite in random order, in Python's development mode."""
    # without what makes it a plugin of pytest, so that no pytest that a test starts has it
    session.install("--editable", f"{ROOT}[cli,httpx2]", *nox.project.dependency_groups(PROJECT, "test"))
    place = session.create_tmp()
    session.install("--no-deps", "--target", place, "pytest-randomly")
    for told in Path(place).glob("*.dist-info"):
        shutil.rmtree(told)
    session.chdir(ROOT)
    command = ("python", "-m", "pytest", "-q", "-p", "pytest_randomly", "-n", "2", "--dist", "loadfile")
    session.run(*command, *session.posargs, env={"PYTHONDEVMODE": "1", "PYTHONPATH": place})

"""What is released, and what its metadata says."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

import replaycache

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
REPOSITORY = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]
GITHUB = ROOT / ".github"
CITATION = yaml.safe_load((ROOT / "docs" / "CITATION.cff").read_text("utf-8"))


def _script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- metadata ----------------------------------------------------------------------------------------------


def test_what_the_build_makes_of_it() -> None:
    """hatchling refuses a classifier that no index knows, and reads every field."""
    core = ProjectMetadata(str(ROOT), PluginManager()).core

    assert core.version == replaycache.__version__
    assert set(core.classifiers) >= {"Framework :: Pytest", "Framework :: AsyncIO", "Typing :: Typed"}
    assert core.urls["Source"] == REPOSITORY
    assert set(core.urls) == {"Changelog", "Documentation", "Homepage", "Issues", "Source"}
    links = re.findall(r"\]\(([^)]+)\)", core.readme)
    assert len(links) > 10
    assert all(link.startswith(("https://", "#")) for link in links)
    assert core.readme_content_type == "text/markdown"


def test_links_and_images_of_readme_lead_to_the_tag(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("docs/a.md", "docs/a.svg", "b.md"):
        (tmp_path / name).write_text("")
    (tmp_path / "README.md").write_text(
        "[a](docs/a.md#part) ![p](docs/a.svg) [![p](docs/a.svg)](b.md) [c](https://c.example/x) [d](#d)\n"
        '<img src="docs/a.svg"> <a href="b.md">\n```md\n[a](docs/a.md)\n```\n'
    )
    page, image = "https://r.example/blob/v1/", "https://r.example/raw/v1/"

    text = _script("metadata").with_whole_links(tmp_path, "https://r.example", "v1")

    assert text == (
        f"[a]({page}docs/a.md#part) ![p]({image}docs/a.svg) [![p]({image}docs/a.svg)]({page}b.md) "
        "[c](https://c.example/x) [d](#d)\n"
        f'<img src="{image}docs/a.svg"> <a href="{page}b.md">\n```md\n[a](docs/a.md)\n```\n'
    )
    (tmp_path / "README.md").write_text("[a](docs/none.md)")
    with pytest.raises(FileNotFoundError, match=r"links to docs/none\.md"):
        _script("metadata").with_whole_links(tmp_path, "https://r.example", "v1")


def test_the_address_is_the_same_everywhere() -> None:
    assert CITATION["repository-code"] == REPOSITORY
    contact = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / "config.yml").read_text("utf-8"))["contact_links"]
    assert [link["url"] for link in contact] == [f"{REPOSITORY}/security/advisories/new"]
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    assert set(re.findall(r"uses: (\S+)/\.github/actions/replay@", page)) == {
        REPOSITORY.removeprefix("https://github.com/")
    }
    assert set(re.findall(r"repo: (\S+)", page)) == {REPOSITORY}


def test_versions_that_are_named_are_this_one() -> None:
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")

    assert str(CITATION["version"]) == PROJECT["version"]
    assert set(re.findall(r"(?:replay@|rev: )v(\S+)", page)) == {PROJECT["version"]}


# -- a release ---------------------------------------------------------------------------------------------

CHANGELOG = """\
# Changelog

## 1.1.0, unreleased

- c

## 1.0.0, 2026-12-01

- a
- b

## 0.9.0, 2026-11-01

- z
"""


def test_the_notes_are_the_section_of_the_version() -> None:
    notes = _script("release_notes").notes

    assert notes("v1.0.0", "1.0.0", CHANGELOG) == "- a\n- b\n"
    assert notes("v0.9.0", "0.9.0", CHANGELOG) == "- z\n"


@pytest.mark.parametrize(
    ("tag", "version", "told"),
    [
        ("v1.0.1", "1.0.0", "tag v1.0.0"),
        ("v1.1.0", "1.1.0", "give it the date"),
        ("v2.0.0", "2.0.0", "says nothing of 2.0.0"),
        ("v1.0", "1.0", "says nothing of 1.0"),
    ],
)
def test_what_is_not_ready_is_not_released(tag: str, version: str, told: str) -> None:
    with pytest.raises(SystemExit, match=re.escape(told)):
        _script("release_notes").notes(tag, version, CHANGELOG)


# -- workflows ---------------------------------------------------------------------------------------------

WORKFLOWS = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in GITHUB.glob("workflows/*.yml")}
JOBS = [
    pytest.param(job, id=f"{file}-{name}")
    for file, flow in WORKFLOWS.items()
    for name, job in flow["jobs"].items()
]
RUNS = [pytest.param(step["run"], id=job.id) for job in JOBS for step in job.values[0]["steps"] if "run" in step]


@pytest.mark.parametrize("file", sorted(GITHUB.rglob("*.yml")), ids=lambda file: file.name)
def test_every_file_is_yaml(file: Path) -> None:
    assert isinstance(yaml.safe_load(file.read_text("utf-8")), dict)


def test_workflows_may_do_nothing_but_what_a_job_names() -> None:
    assert set(WORKFLOWS) == {"canary.yml", "ci.yml", "pages.yml", "release.yml"}
    assert all(flow["permissions"] == {} for flow in WORKFLOWS.values())


@pytest.mark.parametrize("job", JOBS)
def test_a_job_ends_and_says_what_it_may_do(job: dict[str, Any]) -> None:
    assert job["timeout-minutes"] <= 150
    assert isinstance(job["permissions"], dict)
    writes = {name for name, right in job["permissions"].items() if right == "write"}
    is_checked_out = any("actions/checkout" in step.get("uses", "") for step in job["steps"])
    # code of a pull request, or of a dependency, never runs with a right to write
    assert not (is_checked_out and writes)


@pytest.mark.skipif(os.name == "nt", reason="its bash may be that of another system")
@pytest.mark.parametrize("script", RUNS)
def test_a_script_is_one_and_what_it_runs_is_there(script: str) -> None:
    assert "${{" not in script
    subprocess.run(["bash", "-n", "-c", script], check=True)
    for path in re.findall(r"\.ci/[\w.]+", script):
        assert (ROOT / path).exists() or path == ".ci/.cache"


def test_every_version_that_is_claimed_is_tested() -> None:
    claimed = {
        name.rpartition(" ")[2] for name in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", name) is not None
    }

    for job in ("everything", "tests"):
        assert set(WORKFLOWS["ci.yml"]["jobs"][job]["strategy"]["matrix"]["python"]) >= claimed
    assert min(claimed, key=lambda text: int(text[2:])) == PROJECT["requires-python"].removeprefix(">=")
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in claimed

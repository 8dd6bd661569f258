"""Where cassettes lie."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from replaycache import ConfigurationError
from replaycache.for_pytest.cassette_paths import Siblings, file_name, module_directory, named
from tests.plugin.projects import Project

pytest_plugins = ["pytester"]

HERE = module_directory(Path("/tree/tests/test_it.py"))
TREE = Path("/tree")


@pytest.mark.parametrize(
    "parts",
    [["test_it"], ["TestIt", "test_it"], ["TestIt", "TestInner", "test_it[gpt-4o-True]"], ["test_it[a b,c=d]"]],
)
def test_an_ordinary_name_stays_as_it_is(parts: list[str]) -> None:
    assert file_name(parts) == ".".join(parts) + ".json"


ODD = [
    "test_it[a/b]",
    "test_it[a\\b]",
    "test_it[a:b]",
    "test_it[a?b]",
    "test_it[a*b]",
    'test_it["]',
    "test_it[<>|]",
    "test_it[\x00\x1f]",
    "test_it[../../etc/passwd]",
    "test_it[ü]",
    unicodedata.normalize("NFD", "test_it[ü]"),
    "test_it[\ud800]",
    f"test_it[{'long' * 100}]",
    f"test_it[{'long' * 100}er]",
    "con",
    "AUX.test",
    "com1.test",
    ".hidden",
    "test_it. ",
    "",
]


def test_odd_names_become_names_for_every_file_system_and_all_differ() -> None:
    names = [file_name([name]) for name in ODD]

    assert len({name.casefold() for name in names}) == len(ODD)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.\[\] -]{0,190}\.json", name)
        assert name.split(".")[0].lower() not in ("con", "aux", "com1")
    assert names[0] == "test_it[a_b]-f742e10e.json"  # fixed: cassettes are committed under it


def test_siblings_differ_where_case_does_not_count_and_the_first_keeps_its_name() -> None:
    siblings = Siblings()
    for name in ("test[A]", "test[a]", "test[b]", "test[A]"):
        siblings.add(name)
    called = [siblings.called(name) for name in ("test[A]", "test[a]", "test[b]", "test[unheard of]")]

    assert re.fullmatch(r"test\[a\]-[0-9a-f]{8}", called[1])
    assert called[0] == "test[A]"
    assert called[2:] == ["test[b]", "test[unheard of]"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("weather.json", "/tree/tests/cassettes/test_it/weather.json"),
        ("deep/weather.json", "/tree/tests/cassettes/test_it/deep/weather.json"),
        ("deep\\weather.json", "/tree/tests/cassettes/test_it/deep/weather.json"),
        ("../shared.JSON", "/tree/tests/cassettes/shared.JSON"),
        ("../../../all.json", "/tree/all.json"),
        ("/tree/other/all.json", "/tree/other/all.json"),
        (Path("weather.json"), "/tree/tests/cassettes/test_it/weather.json"),
    ],
)
def test_a_name_is_relative_to_the_modules_directory(name: object, path: str) -> None:
    assert named(name, HERE, TREE) == Path(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("../../../../out.json", "the cassette '../../../../out.json' would lie at /out.json, outside of /tree"),
        ("/etc/out.json", "would lie at /etc/out.json, outside of /tree; name a path inside"),
        ("/treehouse/out.json", "outside of /tree;"),
        ("weather.yaml", "a cassette's name ends in .json, unlike 'weather.yaml'"),
        ("", "ends in .json, unlike ''"),
        ("a\0.json", "ends in .json"),
        (7, "a cassette's name is text, such as 'weather.json', and not 7"),
        (b"weather.json", "is text"),
        ("what?.json", "some file systems refuse 'what\\?.json'; choose another name"),
        ("nul.json", "some file systems refuse 'nul.json'"),
        ("ends /weather.json", "some file systems refuse 'ends '"),
    ],
)
def test_a_wrong_name_is_refused_with_the_way_out(name: object, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        named(name, HERE, TREE)


def test_tests_with_odd_parameters_never_share_a_cassette(project: Project) -> None:
    project.tests(
        r"""
        IDS = ["a/b", "a\\b", "a:b", "A", "a", "None", "none", "", " ", ".", "..", "ü", "é", "con"]
        IDS += ["x" * 300, "x" * 301]

        @pytest.mark.replay
        @pytest.mark.parametrize("text", IDS)
        def test_it(text):
            assert ask("q" + text) == "q" + text + " 1"

        @pytest.mark.replay
        def test_Case():
            assert ask("upper") == "upper 1"

        @pytest.mark.replay
        def test_case():
            assert ask("lower") == "lower 1"

        class TestX:
            @pytest.mark.replay
            def test_it(self):
                assert ask("X") == "X 1"

        class Testx:
            @pytest.mark.replay
            def test_it(self):
                assert ask("x") == "x 1"
        """
    )

    project.run().assert_outcomes(passed=20)
    names = project.cassettes()
    project.upstream.stop()
    project.run().assert_outcomes(passed=20)
    # a test alone has the path that it has among the others
    project.run("test_it.py::test_it[a]", "test_it.py::test_case", "test_it.py::Testx").assert_outcomes(passed=3)

    assert len({name.casefold() for name in names}) == 20
    assert {"cassettes/test_it/test_Case.json", "cassettes/test_it/TestX.test_it.json"} <= set(names)
    assert len(project.upstream.requests) == 20


def test_modules_of_one_name_in_two_directories_have_their_own(project: Project) -> None:
    project.write("one/__init__.py", "")
    project.write("two/__init__.py", "")
    for name in ("one", "two"):
        project.tests(
            f"@pytest.mark.replay\ndef test_it(): assert ask('{name}') == '{name} 1'", f"{name}/test_it.py"
        )

    project.run().assert_outcomes(passed=2)

    assert project.cassettes() == ["one/cassettes/test_it/test_it.json", "two/cassettes/test_it/test_it.json"]


MESSAGES = [
    (
        "@pytest.mark.replay\n@pytest.mark.replay('b.json')\ndef test_it(): pass",
        "*test_it: the test test_it has 2 marks @pytest.mark.replay; leave one of them",
    ),
    (
        "pytestmark = [pytest.mark.replay, pytest.mark.replay('b.json')]\ndef test_it(): pass",
        "*test_it.py has 2 marks @pytest.mark.replay; leave one of them",
    ),
    (
        "@pytest.mark.replay('a.json')\n@pytest.mark.replay\nclass TestIt:\n    def test_it(self): pass",
        "*the class TestIt has 2 marks @pytest.mark.replay; leave one of them",
    ),
    (
        "@pytest.mark.replay('a.json', 'b.json')\ndef test_it(): pass",
        "*@pytest.mark.replay takes one name, and ('a.json', 'b.json') are 2; options have their names*",
    ),
    (
        "@pytest.mark.replay(pase=2)\ndef test_it(): pass",
        "*test_it: there is no option 'pase'; did you mean 'pace'?*",
    ),
    (
        "@pytest.mark.replay(pace='fast')\ndef test_it(): pass",
        "*test_it: pace='fast' is wrong; it takes a number from 0 on",
    ),
    (
        "@pytest.mark.replay(mode='recrod')\ndef test_it(): pass",
        "*test_it: @pytest.mark.replay(mode=...)='recrod' is no mode; *did you mean 'record'?",
    ),
    (
        "@pytest.mark.replay(store=':memory:')\ndef test_it(): pass",
        "*test_it: a mark takes no store: its cassette is named first, as in replay('weather.json')",
    ),
    (
        "@pytest.mark.replay('../../../../out.json')\ndef test_it(): pass",
        "*test_it: the cassette '../../../../out.json' would lie at *out.json, outside of *; name a path inside*",
    ),
    (
        "@pytest.mark.replay('weather.yaml')\ndef test_it(): pass",
        "*test_it: 'weather.yaml' is no cassette. *`replaycache import weather.yaml --store weather.json` makes*",
    ),
]


def test_each_wrong_mark_is_an_error_of_its_test_and_says_why(project: Project) -> None:
    for number, (text, _) in enumerate(MESSAGES):
        project.tests(text, f"test_{number}/test_it.py").with_name("__init__.py").touch()

    result = project.run()

    result.assert_outcomes(errors=len(MESSAGES))
    for _, message in MESSAGES:
        result.stdout.fnmatch_lines([message.replace("[", "[[]")])
    assert not project.upstream.requests
    assert project.cassettes() == []


def test_a_mark_on_a_fixture_is_refused(project: Project) -> None:
    project.tests(
        """
        @pytest.fixture
        @pytest.mark.replay
        def known(): pass

        def test_it(known): pass
        """
    )

    result = project.run("-W", "ignore")

    assert result.ret != 0
    result.stdout.re_match_lines([".*(Marks cannot be applied to fixtures|mark the tests that use it).*"])


def test_marks_of_parameters_and_base_classes_are_nearer_or_farther_not_second(project: Project) -> None:
    project.tests(
        """
        @pytest.mark.replay("base.json", mode="record")
        class Base:
            def test_it(self, replay_cassette):
                assert replay_cassette.path.name == "derived.json" and replay_cassette.mode == "record"

        @pytest.mark.replay("derived.json")
        class TestDerived(Base):
            pass

        @pytest.mark.replay("plain.json", mode="record")
        @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.replay("two.json"))])
        def test_parameters(n, replay_cassette):
            assert replay_cassette.path.name == ("plain.json" if n == 1 else "two.json")
            assert replay_cassette.mode == "record"
        """
    )

    project.run().assert_outcomes(passed=3)

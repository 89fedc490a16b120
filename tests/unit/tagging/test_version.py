"""No rule changes without a change of the version."""

from importlib import resources

from arena.tagging import version

DECIDES_NOTHING = {"__init__.py", "accuracy.py", "labelled.py", "measure.py", "train.py", "version.py"}


def test_every_file_that_decides_is_read() -> None:
    files = {
        path.name
        for path in resources.files("arena.tagging").iterdir()
        if path.name.endswith((".py", ".npz"))
    }
    assert set(version._READ["arena.tagging"]) == files - DECIDES_NOTHING


def test_the_version_is_short_and_the_same_when_read_again() -> None:
    assert version._digest() == version.RULES_VERSION
    assert len(version.RULES_VERSION) == 12

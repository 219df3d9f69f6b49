"""Folders whose files the page may use."""

from aa.app.places import Places


def test_the_root_of_the_machine_allows_every_file(home):
    places = Places("outputs", ["/"])
    assert places.file(str(home / "files" / "ann.png")) == home / "files" / "ann.png"

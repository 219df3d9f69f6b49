"""Every key says what it is, and docs/keys.md lists them all as they are."""

from aa.cli.resolvers import SCHEMAS
from tests.config.keys_page import PAGE, keys, page


def test_every_key_says_what_it_is():
    silent = {key for schema in SCHEMAS.values() for key, *_, said in keys(schema) if not said}
    assert not silent


def test_the_page_lists_the_keys_as_they_are():
    assert PAGE.read_text() == page(), "run: python tests/config/keys_page.py --write"

"""`tunewright plan --keys`: no data is needed, and what is printed is JSON or the page."""

from tunewright.stories.reference import list_reference, write_reference


def test_the_keys_are_printed_without_data(call):
    told = call("plan", "--keys")
    assert told.code == 0 and told.out.strip() == write_reference().strip()


def test_the_keys_as_json(call):
    told = call("plan", "--keys", "--json")
    assert told.code == 0 and told.json == list_reference()

"""What is refused before any format is asked, by the name of its field; tests/targets/test_hostile_strings.py tries every target."""

import pytest
from hostile import HOSTILE
from plans import SHAPES, TEMPLATES, merged

from setupgen.errors import SetupgenError
from setupgen.render.files import render


def with_settings(shape, settings):
    made = SHAPES[shape]
    return made | {"choice": merged(made["choice"], {"settings": settings})}


@pytest.mark.parametrize("kind", ["newline", "nul", "escape", "right-to-left", "isolate", "surrogate"])
def test_what_cannot_be_shown_is_refused_by_the_name_of_its_field(kind):
    with pytest.raises(SetupgenError) as caught:
        render(with_settings("llama-cpp-docker-cuda", {"alias": HOSTILE[kind]}), TEMPLATES)
    assert caught.value.place == "choice.settings.alias"


def test_what_one_format_cannot_carry_is_refused_with_file_and_field():
    with pytest.raises(SetupgenError) as caught:
        render(with_settings("ollama-alias", {"alias": "$(id)"}), TEMPLATES)
    assert "choice.settings.alias" in caught.value.place


def test_keys_of_mappings_are_checked_too():
    with pytest.raises(SetupgenError):
        render(with_settings("llama-cpp-docker-cuda", {"environment": {"A\nB": "1"}}), TEMPLATES)

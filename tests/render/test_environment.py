import pytest

from setupgen.errors import UsageError
from setupgen.render.environment import environment, render_text


def rendered(text, **context):
    return render_text(environment({"t/x.j2": text}), "t/x.j2", context)


def test_a_value_without_a_filter_is_refused_with_its_line():
    with pytest.raises(UsageError, match=r"templates/t/x\.j2.*quoting filter.*'rm -rf'"):
        rendered("one\n{{ value }}\n", value="rm -rf")


@pytest.mark.parametrize(
    "text",
    [
        "{{ value ~ 'x' }}",
        "{{ value|yaml ~ 'x' }}",
        "{{ value|upper }}",
        "{{ [value] }}",
        "{{ 1.5 }}",
        "{{ true }}",
        "{{ value|default('x') }}",
    ],
)
def test_text_put_together_after_quoting_is_refused(text):
    with pytest.raises(UsageError):
        rendered(text, value="v")


@pytest.mark.parametrize("text", ["{{ value|safe }}", "{{ value|e }}", "{{ value|tojson }}", "{{ value|escape }}"])
def test_filters_that_would_let_text_through_do_not_exist(text):
    with pytest.raises(UsageError):
        rendered(text, value="v")


def test_whole_numbers_need_no_filter():
    assert rendered("{{ value }}", value=8080) == "8080"


def test_what_the_plan_lacks_is_named():
    with pytest.raises(UsageError, match="missing_field"):
        rendered("{{ plan.missing_field|yaml }}", plan={})


@pytest.mark.parametrize(
    "text", ["{{ ''.__class__.__mro__|yaml }}", "{{ plan.__init__.__globals__|yaml }}", "{% set _ = items.append(1) %}"]
)
def test_the_sandbox_holds(text):
    with pytest.raises(UsageError):
        rendered(text, plan={}, items=[])


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0.4 seconds"), (1, "1 seconds"), (70, "1 minute"), (1328, "22 minutes"), (10_000, "2.8 hours")]
)
def test_times_are_said_as_people_say_them(seconds, words):
    assert rendered("{{ value|duration }}", value=seconds) == words


def test_sizes_carry_their_unit():
    assert (
        rendered("{{ a|gib }} {{ b|gib }} {{ c|thousands }} {{ d|number }}", a=17 * 1024**3, b=300 * 1024**2, c=65536, d=3.44)
        == "17.0 GiB 300 MiB 65,536 3.4"
    )

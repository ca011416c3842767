"""The Jinja environment of all templates: sandboxed, strict, and printing only what a quoting filter made safe."""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, Final

from jinja2 import DictLoader, StrictUndefined, TemplateError, Undefined
from jinja2.exceptions import TemplateRuntimeError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from setupgen.errors import UsageError
from setupgen.render import quoting
from setupgen.render.quoting import Quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GIB = 1024**3
_SHORTEST_S = 0.1
_MINUTE_S = 60
_HOUR_S = 3600
_WHOLE = 10

# Filters that would let text through unquoted, or mark it as safe for HTML, are taken away.
_REMOVED = ("safe", "e", "escape", "forceescape", "tojson", "urlize", "xmlattr", "pprint")


def environment(texts: Mapping[str, str]) -> ImmutableSandboxedEnvironment:
    """The environment for templates by name (``target/file``); the same texts give the same one, with its compiled templates.

    A template prints whole numbers as they are and everything else only through a filter of `setupgen.render.quoting`.
    """
    return _environment(tuple(sorted(texts.items())))


@lru_cache(maxsize=2)
def _environment(texts: tuple[tuple[str, str], ...]) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        loader=DictLoader(dict(texts)),
        undefined=StrictUndefined,
        finalize=_finalize,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for unwanted in _REMOVED:
        made.filters.pop(unwanted, None)
    made.filters.update({filter_.__name__: _strict(filter_) for filter_ in _FILTERS})
    return made


def render_text(made: ImmutableSandboxedEnvironment, template: str, context: Mapping[str, Any]) -> str:
    """The text of one template.

    Raises:
        UsageError: where the plan lacks a field that the template reads, or the template is wrong.
        UnquotableError: where a value cannot be carried by the format.
    """
    try:
        return made.get_template(template).render(context)
    except TemplateError as error:
        line = getattr(error, "lineno", None) or _line_of(error, template)
        place = f"templates/{template}" + (f", line {line}" if line else "")
        raise UsageError(
            f"{error.message or type(error).__name__}.", place=place, hint="The plan and the template do not agree."
        ) from error


def _line_of(error: BaseException, template: str) -> int:
    """The line of the template that was being rendered."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in {template, "<template>"}:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _finalize(value: Any) -> Any:
    if isinstance(value, (Quoted, Undefined)):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TemplateRuntimeError(f"a {type(value).__name__} is printed without a quoting filter: {str(value)[:60]!r}")


def gib(size_bytes: float) -> Quoted:
    """Bytes as ``18.6 GiB`` or ``420 MiB``."""
    if size_bytes >= GIB:
        return Quoted(f"{size_bytes / GIB:.1f} GiB")
    return Quoted(f"{size_bytes / 1024**2:.0f} MiB")


def duration(seconds: float) -> Quoted:
    """Seconds as ``25 minutes`` or ``1.5 hours``, or ``0.4 seconds``."""
    if seconds < _SHORTEST_S:
        return Quoted("less than 0.1 seconds")
    if seconds < _MINUTE_S:
        return Quoted(f"{_trimmed(seconds)} seconds")
    if seconds < 2 * _HOUR_S:
        minutes = max(1, round(seconds / _MINUTE_S))
        return Quoted("1 minute" if minutes == 1 else f"{minutes} minutes")
    return Quoted(f"{seconds / _HOUR_S:.1f} hours")


def number(value: float) -> Quoted:
    """A rate or factor as people say it: ``38`` or ``3.4``."""
    return Quoted(_trimmed(value))


def thousands(value: int) -> Quoted:
    """A whole number with separators: ``65,536``."""
    return Quoted(f"{int(value):,}")


def _strict(filter_: Callable[..., Quoted]) -> Callable[..., Quoted]:
    """The filter, failing with the name of the field where the plan lacks it."""

    @wraps(filter_)
    def checked(value: Any, *arguments: Any) -> Quoted:
        if isinstance(value, Undefined):
            str(value)
        return filter_(value, *arguments)

    return checked


def _trimmed(value: float) -> str:
    return f"{value:.0f}" if value >= _WHOLE else f"{value:.1f}".removesuffix(".0")


_FILTERS: Final[tuple[Callable[..., Quoted], ...]] = (
    quoting.yaml,
    quoting.yaml_key,
    quoting.compose,
    quoting.shell,
    quoting.env,
    quoting.name,
    quoting.key,
    quoting.reference,
    quoting.preset,
    quoting.unit_text,
    quoting.systemd,
    quoting.unit_line,
    quoting.quadlet,
    quoting.csv_field,
    quoting.nix,
    quoting.powershell,
    quoting.xml,
    quoting.json,
    quoting.toml,
    quoting.ini,
    quoting.plain_name,
    quoting.modelfile_path,
    quoting.address,
    quoting.nginx,
    quoting.python,
    quoting.comment,
    quoting.md,
    quoting.code,
    quoting.cell,
    gib,
    duration,
    number,
    thousands,
)

"""Builds the option parser of vLLM, SGLang or MLX-LM from its own files and says what it makes of command lines; see `option_parsers.py`.

What the program imports and is not installed (torch, mlx, kernels) is replaced by something empty that can be subclassed, called and indexed:
options are declared without it. Run by another Python than the tests; uses nothing of this project.
"""

# ruff: noqa: T201, PLC0415
from __future__ import annotations

import abc
import argparse
import contextlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import io
import json
import os
import sys
import types
from pathlib import Path

PROGRAMS = ("sglang", "vllm", "mlx_lm")


class Empty(abc.ABCMeta):
    """The class of things that stand for what is missing: whatever is asked of them is another one."""

    def __getattr__(cls, name):
        if name.startswith("__") or "_empty" not in cls.__dict__:
            raise AttributeError(name)
        return empty(name)

    def __call__(cls, *arguments, **named):
        if "_empty" not in cls.__dict__:
            return super().__call__(*arguments, **named)
        decorates = len(arguments) == 1 and not named and callable(arguments[0])
        return arguments[0] if decorates else cls

    def register(cls, *_, **__):
        return cls

    def __getitem__(cls, key):
        return cls

    def __iter__(cls):
        return iter(("", ""))

    def __len__(cls):
        return 0

    def __bool__(cls):
        return True

    def __int__(cls):
        return 0

    __index__ = __int__

    def __contains__(cls, item):
        return False

    def __or__(cls, other):
        return cls

    __ror__ = __or__

    def __add__(cls, other):
        return other

    __radd__ = __mul__ = __rmul__ = __sub__ = __rsub__ = __truediv__ = __and__ = __rand__ = __add__

    def __lt__(cls, other):
        return False

    __gt__ = __le__ = __lt__

    def __ge__(cls, other):
        return True


def empty(name):
    """Something that stands for a missing class, function or value."""

    def schema(cls, *_):
        from pydantic_core import core_schema

        return core_schema.any_schema()

    def nothing(self, *_, **__):
        return None

    return Empty(name, (), {"_empty": True, "__init__": nothing, "__get_pydantic_core_schema__": classmethod(schema)})


class Module(types.ModuleType):
    """A missing module."""

    __path__ = ()
    __version__ = "99.0"

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        found = empty(name)
        setattr(self, name, found)
        return found


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for packages that the program imports and that are not installed. What other packages try to import stays missing."""

    def __init__(self):
        self.made = set()

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in PROGRAMS or top in sys.stdlib_module_names:
            return None
        if top not in self.made:
            if name != top or not self.asked_by_the_program():
                return None
            self.made.add(top)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    @staticmethod
    def asked_by_the_program():
        frame = sys._getframe(2)
        while frame and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        return bool(frame) and frame.f_globals.get("__name__", "").partition(".")[0] in {*PROGRAMS, "__main__"}

    def create_module(self, spec):
        return Module(spec.name)

    def exec_module(self, module):
        pass


def any_version(known=importlib.metadata.version):
    """The versions of missing packages: newer than whatever is asked for."""

    def version(name):
        try:
            return known(name)
        except importlib.metadata.PackageNotFoundError:
            return "99.0"

    return version


def parser_of(server):
    """The program's own parser, built by its own code."""
    if server == "vllm":
        os.environ["VLLM_TARGET_DEVICE"] = "cpu"
        for name in ("vllm.ir", "vllm.ir.op"):
            sys.modules[name] = Module(name)
        from vllm.entrypoints.launchers.cli_args import make_arg_parser
        from vllm.utils.argparse_utils import FlexibleArgumentParser

        return make_arg_parser(FlexibleArgumentParser())
    if server == "sglang":
        for name in ("sglang.kernels", "sglang.kernels.ops", "sglang.kernels.ops.kv_canary"):
            sys.modules[name] = module = types.ModuleType(name)
            module.__path__ = [str(Path(sys.path[0], *name.split(".")))]
        from sglang.srt.server_args import ServerArgs

        parser = argparse.ArgumentParser()
        ServerArgs.add_cli_args(parser)
        return parser
    from mlx_lm import server as program

    found = []

    def caught(self, *_):
        found.append(self)
        raise SystemExit

    real, argparse.ArgumentParser.parse_args = argparse.ArgumentParser.parse_args, caught
    with contextlib.suppress(SystemExit):
        program.main()
    argparse.ArgumentParser.parse_args = real
    return found[0]


def words_of(server, line):
    """A command line as the program hands it to its parser: SGLang's `serve` takes the model as its first word too."""
    first_is_model = server == "sglang" and line and not line[0].startswith("-")
    return ["--model-path", *line] if first_is_model else list(line)


def checks_of(server):
    """What the program checks right after parsing: vLLM's own checks, and that its parsers of tool calls and of thoughts are among its own."""
    if server != "vllm":
        return lambda _: None
    from vllm.entrypoints.launchers.cli_args import validate_parsed_serve_args
    from vllm.reasoning import ReasoningParserManager
    from vllm.tool_parsers import ToolParserManager

    def check(arguments):
        validate_parsed_serve_args(arguments)
        for name, known in (
            (arguments.tool_call_parser, ToolParserManager.list_registered()),
            (
                getattr(arguments, "reasoning_parser", "") or arguments.structured_outputs_config.reasoning_parser,
                ReasoningParserManager.list_registered(),
            ),
        ):
            if name and name not in known:
                raise ValueError(f"{name} is none of {', '.join(sorted(known))}")

    return check


def error_of(parser, check, words):
    """The message with which the parser ends, or nothing."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            check(parser.parse_args(words))
    except SystemExit:
        return said.getvalue().strip().splitlines()[-1]
    except Exception as error:  # noqa: BLE001 - whatever a program raises is its answer
        return f"{type(error).__name__}: {error}"
    return None


def main():
    server, folder = sys.argv[1:3]
    sys.path.insert(0, folder)
    sys.meta_path.append(Finder())
    importlib.metadata.version = any_version()
    sys.argv = [server]
    with contextlib.redirect_stdout(sys.stderr):
        parser = parser_of(server)
        parser.allow_abbrev = False
        check = checks_of(server)
        lines = json.load(sys.stdin)
        answer = {
            "options": sorted(parser._option_string_actions),
            "errors": [error_of(parser, check, words_of(server, line)) for line in lines],
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

"""The browser's door: JSON text in, JSON text out; no objects cross. Runs unchanged in Pyodide.

Every function answers with one JSON document. A problem with the input is the document ``{"error": ...}``, never an exception.
Whoever asks again about the same answers (what is told, the files, an explanation) gets it from the plan that was made for them.
"""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from setupgen.engine import offering
from setupgen.engine.cost_answer import cost
from setupgen.engine.costing import Terms
from setupgen.engine.document import check_document, dotted
from setupgen.engine.estimation import RowEstimator
from setupgen.engine.explanation import explain
from setupgen.engine.intake import AGAIN, FACTS, KEYS, Answers, facts_of, stated
from setupgen.engine.planning import DEFAULT_ALTERNATIVES, plan
from setupgen.engine.sensitivity import changes
from setupgen.engine.telling import command_line, told
from setupgen.errors import ManyErrors, SetupgenError, UsageError, shorten
from setupgen.knowledge import GIB, Pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from setupgen.engine.plan import Plan
    from setupgen.render.files import Rendered
    from setupgen.web.fleet import Fleets

K = TypeVar("K")
V = TypeVar("V")

KEPT = 12
"""Plans that are kept, with their files, for further questions about them: going back and forth between answers costs nothing."""


class Engine:
    """The engine with one knowledge base; make it once and ask it often."""

    def __init__(self, pack_text: str) -> None:
        self._pack = Pack.from_text(pack_text)
        self._rows = RowEstimator(self._pack)
        self._made: dict[tuple[str, str, int], tuple[Answers, Plan]] = {}
        self._advised: dict[tuple[str, str], str] = {}
        self._rendered: dict[tuple[str, str], tuple[Rendered, str]] = {}

    def questions(self) -> str:
        """The questions in order, with their choices written out."""
        return _dump({"schema": 1, "questions": offering.questions(self._pack)})

    def devices(self) -> str:
        """Hardware for a searchable list: id, name, kind and memory options."""
        found = [
            {"id": device.id, "name": device.name, "kind": device.kind, "memory_bytes": list(device.memory_options)}
            for device in self._pack.devices.values()
        ]
        return _dump({"schema": 1, "devices": found})

    def form(self) -> str:
        """Everything that a form needs before the engine is there: questions, hardware and what else may be named, the keys of answers."""
        return _dump(
            {
                "schema": 1,
                "keys": [key for key in KEYS if key not in {"facts", "weights_file"}],
                "questions": offering.questions(self._pack),
                "hardware": offering.hardware(self._pack),
                "common": offering.common(self._pack),
                "models": [{"value": model.id, "label": model.name} for model in self._pack.models.values()],
                "servers": offering.servers(self._pack),
                "quants": sorted(self._pack.vocabulary("quantisations")),
                "knowledge": {"version": self._pack.version, "digest": self._pack.digest, "oldest_review": self._pack.oldest_review},
            }
        )

    def plan(self, answers_json: str, detected_json: str = "", count: int = DEFAULT_ALTERNATIVES) -> str:
        """The plan for answers (keys as in an answers file) and, if given, a detection document."""
        try:
            return _dump(self._plan(answers_json, detected_json, count)[1].to_json())
        except SetupgenError as error:
            return _dump(_problem(error))

    def advise(self, answers_json: str, detected_json: str = "") -> str:
        """What a page shows of the plan: words and shares, the command line that does the same, and the answers for a link."""
        try:
            return _once(self._advised, (answers_json, detected_json), lambda: _dump(self._advice(answers_json, detected_json)))
        except SetupgenError as error:
            return _dump(_problem(error))

    def _advice(self, answers_json: str, detected_json: str) -> dict[str, Any]:
        answers, result = self._plan(answers_json, detected_json)
        document = result.to_json()
        again = stated(answers, document)
        shown = told(self._pack, result, document, cost(self._pack, result, Terms()))
        link = again
        if answers.detected is not None:  # a link names the machine instead of carrying what was detected
            seen = {"os": result.facts.needs.os} if result.facts.origins["needs.os"] == "detected" else {}
            link = {
                **{key: value for key, value in again.items() if key != "facts"},
                **seen,
                **offering.named(self._pack, result.facts.hardware),
            }
        needs = {
            key: {"value": value, "origin": document["facts"]["origins"].get(f"needs.{key}", "assumed")}
            for key, value in document["facts"]["needs"].items()
        }
        ram = f"{document['facts']['hardware']['ram_bytes'] / GIB:.4g}G"
        needs["ram"] = {"value": ram, "origin": document["facts"]["origins"].get("hardware.ram_bytes", "assumed")}
        return {"schema": 1, "told": shown, "needs": needs, "command": command_line(again), "link": link}

    def explain(self, answers_json: str, subject: str = "", detected_json: str = "") -> str:
        """Sections that explain the plan or one subject of it."""
        try:
            return _dump({"schema": 1, "sections": explain(self._pack, self._plan(answers_json, detected_json)[1], subject)})
        except SetupgenError as error:
            return _dump(_problem(error))

    def changes(self, answers_json: str, detected_json: str = "") -> str:
        """What would change the choice, as sentences; takes as long as several plans."""
        try:
            found = changes(self._pack, self._plan(answers_json, detected_json)[1])
        except SetupgenError as error:
            return _dump(_problem(error))
        return _dump({"schema": 1, "changes": [change.to_json() for change in found]})

    def estimate(self, row_json: str) -> str:
        """The estimate of one row."""
        try:
            return _dump(self._rows.row(_load(row_json, "row")))
        except SetupgenError as error:
            return _dump(_problem(error))

    def setup(self, answers_json: str, detected_json: str = "") -> str:
        """The files that `setupgen write` makes for these answers: path to text, file modes and the names of secrets to make."""
        try:
            return _dump(_files(self._setup(answers_json, detected_json)[0]))
        except SetupgenError as error:
            return _dump(_problem(error))

    def archive(self, answers_json: str, detected_json: str, keys_json: str) -> str:
        """The same files as one zip in base64, with its name. `keys_json` has the value of each secret: this module makes none."""
        from setupgen.render.archive import archive  # noqa: PLC0415 - as below

        try:
            rendered, folder = self._setup(answers_json, detected_json)
            keys = {name: value for name, value in _load(keys_json, "keys").items() if isinstance(value, str)}
            packed = archive(rendered, folder, keys)
        except SetupgenError as error:
            return _dump(_problem(error))
        return _dump({"schema": 1, "name": f"{folder}.zip", "base64": b64encode(packed).decode("ascii")})

    def fleet_steps(self, inventory: str, name: str = "fleet.yaml", files_json: str = "") -> Iterator[str]:
        """Makes the plan of an inventory for who asks for it next, and tells how many steps are done, and of how many.

        What is wrong with the inventory is told to who asks.
        """
        try:
            for done, total in self._fleets.steps(inventory, name, files_json):
                yield _dump({"schema": 1, "done": done, "total": total})
        except SetupgenError:
            return

    def fleet(self, inventory: str, name: str = "fleet.yaml", files_json: str = "") -> str:
        """What a page shows of the plan of an inventory. `files_json` has the name and text of each file that it refers to."""
        return self._told(lambda fleets: fleets.advise(inventory, name, files_json))

    def fleet_document(self, inventory: str, name: str = "fleet.yaml", files_json: str = "") -> str:
        """What `setupgen fleet --json` prints for an inventory in a file of this name."""
        return self._told(lambda fleets: fleets.document(inventory, name, files_json))

    def fleet_setup(self, inventory: str, name: str = "fleet.yaml", files_json: str = "") -> str:
        """The files that `setupgen fleet -o` writes: path to text, file modes and the names of secrets to make."""
        return self._told(lambda fleets: fleets.files(inventory, name, files_json))

    def fleet_archive(self, inventory: str, name: str, files_json: str, keys_json: str) -> str:
        """The same files as one zip in base64, with its name. `keys_json` has the value of each secret by file and name."""

        def packed(fleets: Fleets) -> dict[str, Any]:
            folder, content = fleets.archive(inventory, name, files_json, _load(keys_json, "keys"))
            return {"schema": 1, "name": f"{folder}.zip", "base64": b64encode(content).decode("ascii")}

        return self._told(packed)

    def fleet_text(self, letters: str = "") -> str:
        """The inventory in the letters of a link, as text; without letters one to begin with."""
        return self._told(lambda fleets: fleets.text_of(letters))

    def _told(self, ask: Callable[[Fleets], dict[str, Any]]) -> str:
        try:
            return _dump(ask(self._fleets))
        except SetupgenError as error:
            return _dump(_problem(error))

    @cached_property
    def _fleets(self) -> Fleets:
        from setupgen.web.fleet import Fleets  # noqa: PLC0415 - only those with a fleet wait for it

        return Fleets(self._pack)

    def files(self, plan_json: str, command: str = "") -> str:
        """The files of a plan: path to text, file modes and the names of secrets to make."""
        from setupgen.render.files import render_setup  # noqa: PLC0415 - Jinja2 loads only when files are wanted

        try:
            rendered = render_setup(_load(plan_json, "plan"), self._pack.templates, command=command)
        except SetupgenError as error:
            return _dump(_problem(error))
        return _dump(_files(rendered))

    def _setup(self, answers_json: str, detected_json: str) -> tuple[Rendered, str]:
        """The files for these answers, and the name of a folder for them, made once."""
        return _once(self._rendered, (answers_json, detected_json), lambda: self._render(answers_json, detected_json))

    def _render(self, answers_json: str, detected_json: str) -> tuple[Rendered, str]:
        from setupgen.render.context import slug  # noqa: PLC0415 - Jinja2 loads only when files are wanted
        from setupgen.render.files import render_setup  # noqa: PLC0415 - as above

        answers, result = self._plan(answers_json, detected_json)
        document = result.to_json()
        document["answers"] = stated(answers, document)
        rendered = render_setup(document, self._pack.templates, command=AGAIN)
        if answers.detected is not None:
            rendered.files[FACTS] = json.dumps(answers.detected, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        return rendered, slug(f"{document['choice']['server']['id']}-{document['choice']['model']['name']}")

    def _plan(self, answers_json: str, detected_json: str = "", count: int = DEFAULT_ALTERNATIVES) -> tuple[Answers, Plan]:
        """The answers and their plan, made once."""

        def made() -> tuple[Answers, Plan]:
            answers, detected = _inputs(answers_json, detected_json)
            return answers, plan(self._pack, facts_of(self._pack, answers, detected=detected), count=count)

        return _once(self._made, (answers_json, detected_json, count), made)


def _once(kept: dict[K, V], key: K, make: Callable[[], V]) -> V:
    """What is kept under this key, or is made and kept; of what is kept, what was not asked for longest goes first."""
    value = kept.pop(key) if key in kept else make()
    while len(kept) >= KEPT:
        del kept[next(iter(kept))]
    kept[key] = value
    return value


def _inputs(answers_json: str, detected_json: str) -> tuple[Answers, dict[str, Any] | None]:
    answers = Answers()
    stated = _load(answers_json, "answers")
    for key, value in stated.items():
        names = isinstance(value, list) and key == "hardware" and all(isinstance(item, str) for item in value)
        if not names and value is not None and not isinstance(value, (str, int, float)):
            message = "expected one value, or a list of names for hardware."
            raise UsageError(message, place=f"answers, {shorten(key)}")
    if isinstance(stated.get("hardware"), (int, float)):
        message = "expected a name or a list of names."
        raise UsageError(message, place="answers, hardware")
    answers.update(stated, source="answers")
    if not detected_json:
        return answers, None
    detected = _load(detected_json, "detected")
    check_document(detected, lambda keys: f"detected, {dotted(keys)}")
    if "hardware" not in answers.values:
        answers.detected = detected
    return answers, detected


def _load(text: str, place: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers with more digits than Python reads
        message = "not JSON."
        raise UsageError(message, place=f"{place}, line {getattr(error, 'lineno', 1)}") from error
    if not isinstance(value, dict):
        message = "expected a JSON object."
        raise UsageError(message, place=place)
    return value


def _files(rendered: Rendered) -> dict[str, Any]:
    secrets = {path: list(names) for path, names in rendered.secrets.items()}
    return {"schema": 1, "files": dict(rendered.files), "modes": dict(rendered.modes), "secrets": secrets}


def _problem(error: SetupgenError) -> dict[str, Any]:
    problem = {"error": error.message, "place": error.place, "hint": error.hint}
    return {**problem, "problems": [_problem(one) for one in error.errors]} if isinstance(error, ManyErrors) else problem


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True)

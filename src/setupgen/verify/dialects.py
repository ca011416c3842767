"""The three dialects that servers speak: a question into a request, a document or the lines of a stream into an answer."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from setupgen.verify import questions
from setupgen.verify.answers import Answer, Call
from setupgen.verify.client import refusal
from setupgen.verify.trouble import Trouble, excerpt

if TYPE_CHECKING:
    from collections.abc import Callable

    from setupgen.verify.client import Client, Limits, Line
    from setupgen.verify.questions import Question

OK = 200
PARTS_PER_TOKEN, SPARE_PARTS = 4, 256
"""How many parts a stream may have: thoughts may not count as tokens of the answer, but there is an end to it."""
TEMPLATE_SERVERS = frozenset({"llama-cpp", "ik-llama-cpp", "vllm", "sglang", "mlx-lm"})
"""Servers that hand `chat_template_kwargs` to the model's template."""


class Dialect(ABC):
    """What the three have in common: asking, whole or streamed."""

    name = ""

    def __init__(self, base: str, model: str, server: str = "") -> None:
        self.base, self.model, self.server = base, model, server

    @property
    @abstractmethod
    def url(self) -> str:
        """Where questions go."""

    @abstractmethod
    def request(self, question: Question, *, stream: bool) -> dict[str, Any]:
        """The document to send."""

    @abstractmethod
    def read(self, document: dict[str, Any], answer: Answer) -> None:
        """Takes a whole answer out of a document."""

    @abstractmethod
    def feed(self, text: str, answer: Answer) -> bool:
        """Takes what one line of a stream adds; true where something was written."""

    def ask(self, client: Client, question: Question, limits: Limits | None = None) -> Answer:
        """The whole answer at once.

        Raises:
            Trouble: for everything that is no answer.
        """
        reply = client.post(self.url, self.request(question, stream=False), limits)
        if reply.status != OK:
            raise refusal(reply, self.url)
        document = reply.document()
        answer = Answer(seconds=reply.seconds, ended=True)
        if not isinstance(document, dict):
            raise Trouble("shape", f"the answer is no object, but {excerpt(json.dumps(document), 60)}.")
        _refuse_error(document)
        self._understood(lambda: self.read(document, answer), reply.body)
        return answer

    def stream(
        self, client: Client, question: Question, limits: Limits | None = None, *, stop: Callable[[Answer], bool] | None = None
    ) -> Answer:
        """The answer as it comes; where it breaks, the `Trouble` tells how far it came.

        Args:
            client: who asks.
            question: what.
            limits: how long to wait.
            stop: leaves early where it says true of what has come so far.

        Raises:
            Trouble: for everything that ends the stream before its end.
        """
        answer = Answer()
        lines = client.stream(self.url, self.request(question, stream=True), limits)
        try:
            for line in lines:
                answer.seconds = line.seconds
                self._line(line, answer)
                if len(answer.arrivals) > PARTS_PER_TOKEN * question.max_tokens + SPARE_PARTS:
                    answer.error = f"{len(answer.arrivals)} parts came where at most {question.max_tokens} tokens were asked for"
                if answer.error or answer.ended or (stop is not None and stop(answer)):
                    break
        except Trouble as trouble:
            if answer.arrivals and trouble.kind in {"reset", "ended-early", "stalled", "too-slow", "not-json", "not-utf8", "not-http"}:
                raise Trouble(
                    trouble.kind, f"in the middle of an answer, after {len(answer.arrivals)} parts: {trouble.text}", detail="stream"
                ) from trouble
            raise
        finally:
            lines.close()  # type: ignore[attr-defined]
        if answer.error:
            raise Trouble("status", f"the stream brought an error: {answer.error}.", detail=answer.error)
        if not answer.ended and not answer.finish and (stop is None or not stop(answer)):
            what = f"after {len(answer.arrivals)} parts" if answer.arrivals else "without a single part of an answer"
            raise Trouble("ended-early", f"the stream stopped {what} and never said that it was complete.", detail="stream")
        return answer

    def _line(self, line: Line, answer: Answer) -> None:
        wrote = False

        def feed() -> None:
            nonlocal wrote
            wrote = self.feed(line.text, answer)

        self._understood(feed, line.text.encode())
        if wrote:
            answer.arrivals.append(line.seconds)
            answer.reads.add(line.read)

    @staticmethod
    def _understood(read: Callable[[], None], body: bytes) -> None:
        try:
            read()
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise Trouble(
                "shape", f"the answer has another shape than its API promises: {excerpt(body.decode('utf-8', 'replace'), 100)}."
            ) from error


class OpenAI(Dialect):
    """Chat completions."""

    name = "openai"

    @property
    def url(self) -> str:
        """Where questions go."""
        return f"{self.base}/chat/completions"

    def request(self, question: Question, *, stream: bool) -> dict[str, Any]:
        """The document to send."""
        messages: list[dict[str, Any]] = [{"role": role, "content": text} for role, text in question.messages]
        if question.image:
            picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{questions.as_base64(question.image)}"}}
            messages[-1]["content"] = [{"type": "text", "text": messages[-1]["content"]}, picture]
        found: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "max_tokens": question.max_tokens,
            "temperature": 0,
            "stream": stream,
        }
        if stream:
            found["stream_options"] = {"include_usage": True}
        if question.tools:
            function = {"name": questions.TOOL, "description": questions.TOOL_ABOUT, "parameters": questions.tool_schema()}
            found["tools"] = [{"type": "function", "function": function}]
            found["tool_choice"] = "required" if question.forced else "auto"
        if question.schema:
            schema = {"name": "answer", "strict": True, "schema": question.schema}
            found["response_format"] = {"type": "json_schema", "json_schema": schema}
        if not question.thinks:
            if self.server in TEMPLATE_SERVERS:
                found["chat_template_kwargs"] = {"enable_thinking": False}
            elif self.server == "ollama":
                found["reasoning_effort"] = "none"
        return found

    def read(self, document: dict[str, Any], answer: Answer) -> None:
        """Takes a whole answer out of a document."""
        choice = document["choices"][0]
        message = choice["message"]
        answer.text = message.get("content") or ""
        answer.reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
        answer.calls = [_openai_call(call) for call in message.get("tool_calls") or ()]
        answer.finish = choice.get("finish_reason") or ""
        answer.model = document.get("model") or ""
        self._usage(document, answer)

    def feed(self, text: str, answer: Answer) -> bool:
        """Takes what one line of a stream adds."""
        data = _data_of(text)
        if data is None:
            return False
        if data == "[DONE]":
            answer.ended = True
            return False
        document = _json_line(data)
        if error := document.get("error"):
            answer.error = _words(error)
            return False
        answer.model = document.get("model") or answer.model
        self._usage(document, answer)
        if not document.get("choices"):
            return False
        choice = document["choices"][0]
        answer.finish = choice.get("finish_reason") or answer.finish
        delta = choice.get("delta") or {}
        written, thought = delta.get("content") or "", delta.get("reasoning_content") or delta.get("reasoning") or ""
        answer.text += written
        answer.reasoning += thought
        calls = delta.get("tool_calls") or ()
        for part in calls:
            _add_part(answer, part)
        return bool(written or thought or calls)

    @staticmethod
    def _usage(document: dict[str, Any], answer: Answer) -> None:
        usage = document.get("usage") or {}
        answer.prompt_tokens = int(usage.get("prompt_tokens") or answer.prompt_tokens)
        answer.answer_tokens = int(usage.get("completion_tokens") or answer.answer_tokens)
        answer.cached_tokens = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or answer.cached_tokens)


class Ollama(Dialect):
    """Ollama's own chat."""

    name = "ollama"

    @property
    def url(self) -> str:
        """Where questions go."""
        return f"{self.base}/api/chat"

    def request(self, question: Question, *, stream: bool) -> dict[str, Any]:
        """The document to send. No context is asked for: the one that clients get by default is the one that was promised."""
        messages: list[dict[str, Any]] = [{"role": role, "content": text} for role, text in question.messages]
        if question.image:
            messages[-1]["images"] = [questions.as_base64(question.image)]
        options = {"temperature": 0, "num_predict": question.max_tokens}
        found: dict[str, Any] = {"model": self.model, "messages": messages, "stream": stream, "options": options}
        if question.tools:
            function = {"name": questions.TOOL, "description": questions.TOOL_ABOUT, "parameters": questions.tool_schema()}
            found["tools"] = [{"type": "function", "function": function}]
        if question.schema:
            found["format"] = question.schema
        if not question.thinks:
            found["think"] = False
        return found

    def read(self, document: dict[str, Any], answer: Answer) -> None:
        """Takes a whole answer out of a document."""
        self._take(document, answer)

    def feed(self, text: str, answer: Answer) -> bool:
        """Takes what one line of a stream adds."""
        if not text.strip():
            return False
        document = _json_line(text)
        if error := document.get("error"):
            answer.error = _words(error)
            return False
        before = (len(answer.text), len(answer.reasoning), len(answer.calls))
        self._take(document, answer)
        answer.ended = bool(document.get("done"))
        return before != (len(answer.text), len(answer.reasoning), len(answer.calls))

    @staticmethod
    def _take(document: dict[str, Any], answer: Answer) -> None:
        message = document["message"]
        answer.text += message.get("content") or ""
        answer.reasoning += message.get("thinking") or ""
        for call in message.get("tool_calls") or ():
            function = call["function"]
            answer.calls.append(Call(str(function["name"]), json.dumps(function.get("arguments") or {})))
        answer.model = document.get("model") or answer.model
        if document.get("done"):
            answer.finish = document.get("done_reason") or "stop"
        answer.prompt_tokens = int(document.get("prompt_eval_count") or answer.prompt_tokens)
        answer.answer_tokens = int(document.get("eval_count") or answer.answer_tokens)


class Anthropic(Dialect):
    """Messages, as Claude Code speaks."""

    name = "anthropic"

    @property
    def url(self) -> str:
        """Where questions go."""
        return f"{self.base}/v1/messages"

    def request(self, question: Question, *, stream: bool) -> dict[str, Any]:
        """The document to send."""
        messages: list[dict[str, Any]] = [{"role": role, "content": text} for role, text in question.messages if role != "system"]
        if question.image:
            source = {"type": "base64", "media_type": "image/png", "data": questions.as_base64(question.image)}
            messages[-1]["content"] = [{"type": "text", "text": messages[-1]["content"]}, {"type": "image", "source": source}]
        found: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "max_tokens": question.max_tokens,
            "temperature": 0,
            "stream": stream,
        }
        if system := "\n".join(text for role, text in question.messages if role == "system"):
            found["system"] = system
        if question.tools:
            found["tools"] = [{"name": questions.TOOL, "description": questions.TOOL_ABOUT, "input_schema": questions.tool_schema()}]
            found["tool_choice"] = {"type": "any" if question.forced else "auto"}
        return found

    def read(self, document: dict[str, Any], answer: Answer) -> None:
        """Takes a whole answer out of a document."""
        for block in document["content"]:
            self._block(block, answer)
        answer.finish = document.get("stop_reason") or ""
        answer.model = document.get("model") or ""
        self._usage(document, answer)

    def feed(self, text: str, answer: Answer) -> bool:
        """Takes what one line of a stream adds."""
        data = _data_of(text)
        if data is None:
            return False
        event = _json_line(data)
        kind = event.get("type")
        if kind == "error":
            answer.error = _words(event.get("error"))
        elif kind == "message_start":
            answer.model = event["message"].get("model") or ""
            self._usage(event["message"], answer)
        elif kind == "content_block_start":
            block = event["content_block"]
            if block.get("type") == "tool_use":
                answer.calls.append(Call(str(block["name"])))
                return True
        elif kind == "content_block_delta":
            return self._delta(event["delta"], answer)
        elif kind == "message_delta":
            answer.finish = event["delta"].get("stop_reason") or answer.finish
            self._usage(event, answer)
        elif kind == "message_stop":
            answer.ended = True
        return False

    @staticmethod
    def _delta(delta: dict[str, Any], answer: Answer) -> bool:
        answer.text += delta.get("text") or ""
        answer.reasoning += delta.get("thinking") or ""
        if answer.calls:
            answer.calls[-1].arguments += delta.get("partial_json") or ""
        return any(delta.get(key) for key in ("text", "thinking", "partial_json"))

    @staticmethod
    def _block(block: dict[str, Any], answer: Answer) -> None:
        if block["type"] == "tool_use":
            answer.calls.append(Call(str(block["name"]), json.dumps(block.get("input") or {})))
        answer.text += block.get("text") or ""
        answer.reasoning += block.get("thinking") or ""

    @staticmethod
    def _usage(document: dict[str, Any], answer: Answer) -> None:
        usage = document.get("usage") or {}
        cached = int(usage.get("cache_read_input_tokens") or 0)
        answer.prompt_tokens = int(usage.get("input_tokens") or 0) + cached or answer.prompt_tokens
        answer.answer_tokens = int(usage.get("output_tokens") or answer.answer_tokens)


KINDS: dict[str, type[Dialect]] = {kind.name: kind for kind in (OpenAI, Ollama, Anthropic)}


def _openai_call(call: dict[str, Any]) -> Call:
    function = call["function"]
    arguments = function.get("arguments")
    return Call(str(function["name"]), arguments if isinstance(arguments, str) else json.dumps(arguments))


def _add_part(answer: Answer, part: dict[str, Any]) -> None:
    """A piece of a call: the first names it, the others bring more of the arguments."""
    index = int(part.get("index") or 0)
    while len(answer.calls) <= index:
        answer.calls.append(Call())
    function = part.get("function") or {}
    answer.calls[index].name += function.get("name") or ""
    answer.calls[index].arguments += function.get("arguments") or ""


def _data_of(text: str) -> str | None:
    """What follows `data:` in a line of server-sent events; comments, names and empty lines are nothing.

    Raises:
        Trouble: for a line that belongs to no such stream.
    """
    if text.startswith("data:"):
        return text[5:].strip()
    if text.startswith("error:"):
        return json.dumps({"error": text[6:].strip()})
    if not text or text.startswith((":", "event:", "id:", "retry:")):
        return None
    raise Trouble("not-json", f"the stream holds a line that is no event: {excerpt(text, 80)!r}.")


def _json_line(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Trouble("not-json", f"the stream holds a part that is no JSON: {excerpt(text, 80)!r}.") from None
    if not isinstance(found, dict):
        raise Trouble("shape", f"the stream holds a part that is no object: {excerpt(text, 80)!r}.")
    return found


def _refuse_error(document: dict[str, Any]) -> None:
    if error := document.get("error"):
        raise Trouble("status", f"the answer is an error with the status of a success: {_words(error)}.", status=OK, detail=_words(error))


def _words(error: Any) -> str:
    found = error.get("message") if isinstance(error, dict) else error
    return excerpt(found if isinstance(found, str) else json.dumps(error)).rstrip(".")

"""Servers on loopback with a completions endpoint that behave like vLLM's and llama.cpp's.

Field names are those of the real ones (vLLM 0.33, llama-server of October 2026). vLLM's decodes
with a tiny model under the Lark grammar; llama.cpp's answers from a function, a token a character,
and refuses what is not in the GBNF it was given.
"""

import threading

import fakevllm
from gbnf_reader import Gbnf
from loopback import Handler, Loopback

_FIELDS = {"model", "prompt", "temperature", "max_tokens", "stop", "seed"}


class Refused(Exception):
    """A request that the server answers with a status of its own."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class _Handler(Handler):
    def do_GET(self):
        self.reply(lambda: self.owner.get(self.path))

    def do_POST(self):
        body = self.body()
        self.reply(lambda: self.owner.answered(self.path, body))

    def reply(self, work):
        try:
            status, values = 200, work()
        except Refused as error:
            status = error.status
            values = {"error": {"message": str(error), "type": "x", "code": status}}
        self.send(status, values)


class _Server(Loopback):
    """Serves `get` and `post` of the subclass; `asked` has the path and body of every POST."""

    handler = _Handler
    status = None  # answer everything with this one

    def __enter__(self):
        self.asked, self.lock = [], threading.Lock()
        return super().__enter__()

    def answered(self, path, body):
        with self.lock:
            self.asked.append((path, body))
            if self.status is not None:
                raise Refused(self.status, "not now")
            return self.post(path, body)

    def bodies(self, path="/v1/completions"):
        return [body for asked, body in self.asked if asked == path]


class VLLMServer(_Server):
    """`vllm serve FOLDER`; `obeys=False` is a version that knows no structured_outputs."""

    def __init__(self, folder, *, obeys=True, dtype="float32"):
        self.llm = fakevllm.LLM(
            str(folder), dtype=dtype, structured_outputs_config={"backend": "guidance"}
        )
        self.obeys, self.numbers = obeys, 0

    def get(self, path):
        if path == "/version":
            return {"version": "0.33.0"}
        if path != "/v1/models":
            raise Refused(404, "Not Found")
        longest = self.llm.model_config.max_model_len
        card = {"id": "tiny", "object": "model", "owned_by": "vllm", "max_model_len": longest}
        return {"object": "list", "data": [card]}

    def post(self, path, body):
        if body["model"] != "tiny":
            raise Refused(404, f"The model `{body['model']}` does not exist.")
        if path == "/tokenize":
            assert body.keys() <= {"model", "prompt", "add_special_tokens"}
            ids = self.llm.tokenizer(body["prompt"]).input_ids
            longest = self.llm.model_config.max_model_len
            return {"count": len(ids), "max_model_len": longest, "tokens": ids}
        assert path == "/v1/completions"
        assert body.keys() <= _FIELDS | {"logprobs", "structured_outputs"}, body.keys()
        return self._completion(body)

    def _completion(self, body):
        ids = body["prompt"]
        ids = self.llm.tokenizer(ids).input_ids if isinstance(ids, str) else ids
        held = body.get("structured_outputs") if self.obeys else None
        try:
            parameters = fakevllm.SamplingParams(
                temperature=body["temperature"],
                max_tokens=body["max_tokens"],
                logprobs=body["logprobs"],
                stop=body.get("stop"),
                structured_outputs=fakevllm.StructuredOutputsParams(**held) if held else None,
            )
            self.numbers += 1
            self.llm.llm_engine.add_request(
                str(self.numbers), fakevllm.tokens_input(ids), parameters
            )
        except fakevllm.VLLMValidationError as error:
            raise Refused(400, str(error)) from None
        while not (ended := self.llm.llm_engine.step()):
            pass
        output = ended[0].outputs[0]
        usage = {"prompt_tokens": len(ids), "completion_tokens": len(output.token_ids)}
        choice = {
            "index": 0,
            "text": output.text,
            "logprobs": self._logprobs(output),
            "finish_reason": output.finish_reason,
            "stop_reason": output.stop_reason,
        }
        return {"object": "text_completion", "model": "tiny", "choices": [choice], "usage": usage}

    def _logprobs(self, output):
        decode = self.llm.tokenizer.decode
        steps = list(zip(output.token_ids, output.logprobs, strict=True))
        told = [
            {decode([i]): max(one.logprob, -9999.0) for i, one in top.items()} for _, top in steps
        ]
        return {
            "tokens": [decode([id]) for id, _ in steps],
            "token_logprobs": [max(top[id].logprob, -9999.0) for id, top in steps],
            "top_logprobs": told,
            "text_offset": [0 for _ in steps],
        }


class LlamaServer(_Server):
    """`llama-server -m FILE -c WINDOW`: `answer(prompt)` is what its model would write."""

    def __init__(self, answer, *, window=2048, obeys=True):
        self.answer, self.window, self.obeys = answer, window, obeys

    def get(self, path):
        if path == "/v1/models":
            meta = {"n_ctx": self.window, "n_ctx_train": 32768}
            card = {"id": "tiny", "object": "model", "owned_by": "llamacpp", "meta": meta}
            return {"object": "list", "data": [card]}
        if path == "/props":
            return {"default_generation_settings": {"n_ctx": self.window}, "total_slots": 1}
        raise Refused(404, "File Not Found")

    def post(self, path, body):
        if path == "/tokenize":
            assert body.keys() <= {"content", "add_special", "parse_special"}
            assert body["parse_special"] is False
            return {"tokens": [2, *map(ord, body["content"])]}
        assert path == "/v1/completions" and body.keys() <= _FIELDS | {"grammar"}, body.keys()
        prompt = "".join(map(chr, body["prompt"][1:]))
        text = self.answer(prompt)
        if "grammar" in body and self.obeys:
            self._hold(text, body["grammar"])
        for stop in body.get("stop", ()):
            text = text.partition(stop)[0]
        cut = len(text) >= body["max_tokens"]
        choice = {
            "index": 0,
            "text": text[: body["max_tokens"]],
            "logprobs": None,
            "finish_reason": "length" if cut else "stop",
        }
        usage = {"prompt_tokens": len(prompt), "completion_tokens": len(text)}
        return {"object": "text_completion", "model": "tiny", "choices": [choice], "usage": usage}

    @staticmethod
    def _hold(text, grammar):
        try:
            held = Gbnf(grammar)
        except AssertionError:
            raise Refused(400, "Failed to initialize samplers: failed to parse grammar") from None
        if not held.accepts(text):
            raise Refused(400, f"the model cannot write {text!r} under the grammar")

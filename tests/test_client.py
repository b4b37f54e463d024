"""The client against a real server on loopback that plays every kind of bad day."""

import asyncio
import time
from email.utils import formatdate

import pytest
from chat_server import ChatServer, Reply

from pointline.errors import BudgetSpent, InputError, NoAnswer, ServerError
from pointline.model.chat.client import Client
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address, Answer, Question, Usage

QUICK = {"first_wait": 0.02, "longest_wait": 0.05, "timeout": 5.0}
SCHEMA = {"type": "object", "properties": {"label": {"type": "string"}}, "required": ["label"]}


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def question(text="猫", **more):
    return Question((("user", text),), **more)


def client(server, **limits):
    return Client(Address("tiny", server.url), Limits(**{**QUICK, **limits}))


def ask(one, *questions):
    """Ask all at once, in one event loop, and return the answers or errors."""

    async def all_of_them():
        try:
            return await asyncio.gather(*map(one.ask, questions), return_exceptions=True)
        finally:
            await one.close()

    return asyncio.run(all_of_them())


def test_an_answer_comes_back_with_its_text_and_its_counts():
    with ChatServer(lambda body, n: Reply("にゃあ🐈", usage=(7, 3))) as server:
        one = client(server)
        (answer,) = ask(one, question("猫は何と鳴く？"))
    assert (answer.text, answer.finish, answer.cached) == ("にゃあ🐈", "stop", False)
    assert answer.usage == one.spent == Usage(1, 7, 3)
    assert server.asked[0]["messages"] == [{"role": "user", "content": "猫は何と鳴く？"}]


def test_a_question_is_asked_once_even_by_two_at_a_time():
    with ChatServer(lambda body, n: Reply(f"answer {n}", delay=0.05)) as server:
        one = client(server)
        found = ask(one, question(), question(), question(draw=1))
        (again,) = ask(one, question())
    assert len(server.asked) == 2
    assert {answer.text for answer in found[:2]} == {again.text}
    assert found[2].text != again.text
    assert again.cached
    assert one.spent.requests == 2


def test_model_options_and_words_make_the_key():
    here = Address("m", "http://127.0.0.1:1/v1")
    keys = {
        question().key(here),
        question().key(Address("n", "http://127.0.0.1:1/v1")),
        question().key(Address("m", "http://127.0.0.1:2/v1")),
        question("犬").key(here),
        question(temperature=0.5).key(here),
        question(schema=SCHEMA).key(here),
        question(max_tokens=9).key(here),
    }
    assert len(keys) == 7
    assert question(schema=SCHEMA).key(here) == question(schema=dict(SCHEMA)).key(here)


# ---------------------------------------------------------------- bad days


def test_a_server_error_is_tried_again():
    with ChatServer(lambda body, n: Reply("ok", status=500 if n < 3 else 200)) as server:
        one = client(server)
        (answer,) = ask(one, question())
    assert (answer.text, len(server.asked), one.retried) == ("ok", 3, 2)


@pytest.mark.parametrize("header", ["seconds", "milliseconds", "date"])
def test_retry_after_is_honoured(header):
    def script(body, n):
        asked = {
            "seconds": {"Retry-After": 0.4},
            "milliseconds": {"Retry-After-Ms": 400},
            "date": {"Retry-After": formatdate(time.time() + 2, usegmt=True)},
        }[header]
        return Reply("ok") if n > 1 else Reply(status=429, headers=asked, error={"message": "slow"})

    with ChatServer(script) as server:
        (answer,) = ask(client(server), question())
    assert answer.text == "ok"
    assert server.times[1] - server.times[0] >= 0.39


def test_one_that_is_told_to_wait_holds_the_others_back():
    def script(body, n):
        if n == 1:
            return Reply(status=429, headers={"Retry-After": 0.5}, error={"message": "slow down"})
        return Reply("ok")

    with ChatServer(script) as server:
        found = ask(client(server, concurrency=1), question("a"), question("b"), question("c"))
    assert [answer.text for answer in found] == ["ok"] * 3
    assert server.times[1] - server.times[0] >= 0.49


def test_a_wait_beyond_patience_ends_the_run_at_once():
    reply = Reply(status=429, headers={"Retry-After": 3600}, error={"message": "come back later"})
    with ChatServer(lambda body, n: reply) as server:
        (error,) = ask(client(server), question())
    assert isinstance(error, ServerError)
    assert "come back later" in str(error)
    assert len(server.asked) == 1


def test_a_spent_quota_is_not_tried_again():
    reply = Reply(status=429, error={"message": "no credit", "code": "insufficient_quota"})
    with ChatServer(lambda body, n: reply) as server:
        (error,) = ask(client(server), question())
    assert isinstance(error, ServerError)
    assert len(server.asked) == 1


def test_a_slow_answer_is_asked_for_again_and_then_given_up():
    with ChatServer(lambda body, n: Reply("late", delay=0.6)) as server:
        (error,) = ask(client(server, timeout=0.15, attempts=2), question())
    assert isinstance(error, NoAnswer)
    assert "no answer within 0.15 s" in str(error)
    assert len(server.asked) == 2


@pytest.mark.parametrize("raw", ["{", "[]", '{"choices": []}', '{"choices": [{"index": 0}]}', "ok"])
def test_a_reply_that_is_no_completion_is_asked_for_again(raw):
    with ChatServer(lambda body, n: Reply("ok", raw=raw if n == 1 else None)) as server:
        (answer,) = ask(client(server), question())
    assert (answer.text, len(server.asked)) == ("ok", 2)


def test_replies_that_stay_garbled_are_no_answer():
    with ChatServer(lambda body, n: Reply(raw='{"choices": []}')) as server:
        (error,) = ask(client(server, attempts=2), question())
    assert isinstance(error, NoAnswer)
    assert "\n" not in str(error)


def test_no_server_is_told_at_once():
    with ChatServer(lambda body, n: Reply()) as server:
        gone = server.url
    one = Client(Address("tiny", gone), Limits())
    began = time.monotonic()
    (error,) = ask(one, question())
    assert isinstance(error, ServerError)
    assert str(error) == f"{gone}: no server answers there: start it, or mend the address"
    assert time.monotonic() - began < 3


def test_a_refused_key_is_told_without_the_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    reply = Reply(status=401, error={"message": "bad key sk-very-secret\nsee the manual"})
    with ChatServer(lambda body, n: reply) as server:
        (error,) = ask(client(server), question())
    assert isinstance(error, ServerError)
    assert "the key is refused (401)" in str(error)
    assert "secret" not in str(error)
    assert "\n" not in str(error)
    assert server.keys == ["Bearer sk-very-secret"]


def test_an_unknown_model_is_told_with_those_that_are_there():
    reply = Reply(status=404, error={"message": "no such model"})
    with ChatServer(lambda body, n: reply, models=("gemma", "qwen")) as server:
        (error,) = ask(client(server), question())
    assert isinstance(error, ServerError)
    assert "no model 'tiny' (404)" in str(error)
    assert str(error).endswith("it has gemma, qwen")


@pytest.mark.parametrize("models", [None, ()])
def test_a_server_that_lists_no_models_is_a_server(models):
    with ChatServer(lambda body, n: Reply("ok"), models=models) as server:
        assert ask(client(server), question())[0].text == "ok"


def test_a_key_is_needed_beyond_this_machine(monkeypatch):
    with pytest.raises(InputError, match="OPENAI_API_KEY is not set"):
        Client(Address("tiny", "https://models.example/v1"))
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert Client(Address("tiny", "https://models.example/v1")).spent == Usage()


def test_many_failures_in_a_row_end_the_run():
    with ChatServer(lambda body, n: Reply(status=500, error={"message": "no"})) as server:
        one = client(server, attempts=1, give_up=3, concurrency=1)
        found = ask(one, *(question(str(n)) for n in range(3)))
    assert sorted(type(error).__name__ for error in found) == [
        "NoAnswer",
        "NoAnswer",
        "ServerError",
    ]


# ---------------------------------------------------------------- what a server does not know


def refusing(*names, said=True):
    def script(body, n):
        for name in names:
            if name in body:
                message = f"unknown field {name}" if said else "bad request"
                return Reply(status=400, error={"message": message})
        return Reply("ok")

    return script


@pytest.mark.parametrize("said", [True, False])
def test_a_server_without_schemas_is_asked_plainly_and_that_is_remembered(said):
    with ChatServer(refusing("response_format", said=said)) as server:
        one = client(server, concurrency=1)
        found = ask(one, question("a", schema=SCHEMA), question("b", schema=SCHEMA))
    assert [answer.text for answer in found] == ["ok", "ok"]
    assert ["response_format" in body for body in server.asked] == [True, False, False]
    assert one.retried == 0


def test_other_options_are_given_up_one_by_one():
    with ChatServer(refusing("logprobs", "seed", "max_tokens", "temperature")) as server:
        (answer,) = ask(client(server), question(schema=SCHEMA, logprobs=True, temperature=0.5))
    assert answer.text == "ok"
    assert set(server.asked[-1]) == {
        "model",
        "messages",
        "response_format",
        "max_completion_tokens",
    }


def test_a_question_that_is_refused_for_itself_costs_no_option():
    def script(body, n):
        too_long = len(body["messages"][0]["content"]) > 10
        error = {"message": "the context is too long"}
        return Reply(status=400, error=error) if too_long else Reply("ok")

    with ChatServer(script) as server:
        one = client(server, concurrency=1)
        long, short = ask(one, question("a" * 11, schema=SCHEMA), question("b", schema=SCHEMA))
        assert isinstance(long, NoAnswer)
        assert "the question is refused (400)" in str(long)
        assert "response_format" in server.asked[-1]
        before = len(server.asked)
        ask(one, question("c" * 11, schema=SCHEMA))
    assert short.text == "ok"
    assert len(server.asked) == before + 1  # the schema was taken once: it is not to blame


# ---------------------------------------------------------------- pace and budget


def test_no_more_at_a_time_than_asked():
    with ChatServer(lambda body, n: Reply("ok", delay=0.05)) as server:
        ask(client(server, concurrency=3), *(question(str(n)) for n in range(12)))
    assert server.most_at_once == 3


def test_no_more_a_minute_than_asked():
    with ChatServer(lambda body, n: Reply("ok")) as server:
        ask(client(server, per_minute=1200), *(question(str(n)) for n in range(8)))
    assert server.times[-1] - server.times[0] >= 7 * 0.05 - 0.04


def test_the_pace_is_kept_from_one_piece_of_work_to_the_next():
    with ChatServer(lambda body, n: Reply("ok")) as server:
        one = client(server, per_minute=300)
        for text in "abc":
            assert [answer.text for answer in one.work([question(text)], one.ask)] == ["ok"]
    assert server.times[-1] - server.times[0] >= 2 * 0.2 - 0.04


def test_a_budget_of_tokens_stops_before_the_next_question():
    with ChatServer(lambda body, n: Reply("ok", usage=(40, 10))) as server:
        one = client(server, concurrency=1, budget_tokens=100)
        found = ask(one, *(question(str(n)) for n in range(4)))
    assert [type(each) for each in found] == [Answer, Answer, BudgetSpent, BudgetSpent]
    assert "the budget of 100 tokens is spent (100 used)" in str(found[2])
    assert len(server.asked) == 2


def test_a_budget_of_money_counts_at_the_prices_given():
    with ChatServer(lambda body, n: Reply("ok", usage=(1_000_000, 500_000))) as server:
        one = client(server, concurrency=1, budget=2.0, price_in=0.5, price_out=2.0)
        found = ask(one, question("a"), question("b"), question("c"))
    assert [type(each) for each in found] == [Answer, Answer, BudgetSpent]
    assert one.cost == 3.0


def test_a_server_that_counts_no_tokens_is_counted_for():
    with ChatServer(lambda body, n: Reply("ああ", usage=None)) as server:
        one = client(server)
        ask(one, question("い" * 10))
    assert one.spent == Usage(1, 10, 2, guessed=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrency": 0}, {"attempts": 0}, {"per_minute": 0}, {"timeout": float("inf")},
        {"budget_tokens": -1}, {"price_in": -1.0}, {"budget": 1.0},
    ],
)  # fmt: skip
def test_limits_refuse_nonsense(wrong):
    with pytest.raises(InputError):
        Limits(**wrong)


# ---------------------------------------------------------------- work


def test_work_yields_everything_as_it_is_done():
    def script(body, n):
        text = body["messages"][0]["content"]
        return Reply(text.upper(), delay=0.2 if text == "slow" else 0.0)

    with ChatServer(script) as server:
        one = client(server, concurrency=2)

        async def job(text):
            return (await one.ask(question(text))).text

        found = list(one.work(iter(["slow", *"abcdef"]), job))
    assert sorted(found) == ["A", "B", "C", "D", "E", "F", "SLOW"]
    assert found[0] != "SLOW"


def test_work_reads_no_further_ahead_than_it_has_hands_for():
    taken = []

    def things():
        for n in range(100):
            taken.append(n)
            yield str(n)

    with ChatServer(lambda body, n: Reply("ok")) as server:
        one = client(server, concurrency=2)

        async def job(text):
            return (await one.ask(question(text))).text

        found = one.work(things(), job)
        next(found)
        assert len(taken) <= 4
        found.close()
    assert len(server.asked) <= 4


def test_work_gives_what_was_paid_for_before_it_raises():
    with ChatServer(lambda body, n: Reply("ok", usage=(5, 5), delay=0.02)) as server:
        one = client(server, concurrency=3, budget_tokens=40)

        async def job(text):
            return (await one.ask(question(text))).text

        found = []
        with pytest.raises(BudgetSpent):
            for text in one.work(map(str, range(50)), job):
                found.append(text)
    assert 4 <= len(server.asked) <= 4 + 3  # what is in flight is still answered
    assert len(found) == len(server.asked) == one.spent.requests


def test_work_goes_again_with_the_same_client():
    with ChatServer(lambda body, n: Reply("ok")) as server:
        one = client(server)

        async def job(text):
            return (await one.ask(question(text))).cached

        assert list(one.work("ab", job)) == [False, False]
        assert list(one.work("ab", job)) == [True, True]
    assert len(server.asked) == 2


def test_work_may_be_begun_and_ended_while_other_work_waits_for_its_caller():
    def script(body, n):
        text = body["messages"][0]["content"]
        return Reply(text, delay=0.3 if text == "slow" else 0.02)

    with ChatServer(script) as server:
        one = client(server, concurrency=2)

        async def job(text):
            return (await one.ask(question(text))).text

        outer = one.work(["a", "slow", "b"], job)
        found = [next(outer)]
        assert list(one.work(["c", "slow"], job)) == ["c", "slow"]
        other = one.work(["d"], job)
        found += [next(outer), next(other), *outer, *other]
    assert sorted(found) == ["a", "b", "d", "slow"]


def test_work_may_be_left_while_other_work_goes_on():
    with ChatServer(lambda body, n: Reply("ok")) as server:
        one = client(server, concurrency=1)
        left, kept = (one.work(map(question, texts), one.ask) for texts in ("abc", "def"))
        assert next(left).text == next(kept).text == "ok"
        left.close()
        assert [answer.text for answer in kept] == ["ok", "ok"]


def test_things_that_raise_cost_nothing_that_is_under_way():
    def things():
        yield from ("a", "b")
        raise InputError("the third is none")

    with ChatServer(lambda body, n: Reply("ok", delay=0.05)) as server:
        one, found = client(server, concurrency=4), []

        async def job(text):
            return text, (await one.ask(question(text))).text

        with pytest.raises(InputError, match="the third is none"):
            for each in one.work(things(), job):
                found.append(each)
    assert sorted(found) == [("a", "ok"), ("b", "ok")]


def test_work_goes_on_where_an_event_loop_runs():
    with ChatServer(lambda body, n: Reply("ok")) as server:
        one = client(server)
        taken = []

        def questions():
            for text in "abc":
                taken.append(text)
                yield question(text)

        async def inside():
            found = one.work(questions(), one.ask)
            assert taken == []
            return [answer.text for answer in found]

        assert asyncio.run(inside()) == ["ok"] * 3


def test_an_error_within_a_running_loop_is_raised_there():
    with ChatServer(lambda body, n: Reply(status=401, error={"message": "no"})) as server:
        one = client(server)

        async def inside():
            return list(one.work([question()], one.ask))

        with pytest.raises(ServerError, match="key is refused"):
            asyncio.run(inside())


@pytest.mark.parametrize("code", ["content_filter", "content_policy_violation"])
def test_a_question_that_a_service_filters_is_answered_by_a_refusal(code):
    told = {"message": "The prompt was filtered.", "code": code}
    with ChatServer(lambda body, n: Reply(status=400, error=told)) as server:
        one = client(server)
        first, again = ask(one, question(schema=SCHEMA), question(schema=SCHEMA))
    assert (first.text, first.finish) == ("", "content_filter")
    assert "The prompt was filtered." in first.refusal
    assert (first, again.cached, len(server.asked)) == (again, True, 1)

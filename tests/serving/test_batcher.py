"""The batcher: one thread, no waiting for company, limits that hold, and no request without an end."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from tunewright.serving.batcher import Batcher
from tunewright.serving.options import QueueOptions
from tunewright.serving.pace import Pace
from tunewright.serving.refusals import Refused


@pytest.fixture
def started():
    made = []

    def start(**options):
        batches = []
        batcher = Batcher(QueueOptions(**options), saw=batches.append)
        batcher.batches = batches
        batcher.start()
        made.append(batcher)
        return batcher

    yield start
    for batcher in made:
        batcher.close()


def known_pace():
    """0.1 ms and 0.1 ms per token, as many batches have shown."""
    pace = Pace()
    for tokens in (10, 1000) * 200:
        pace.saw(tokens, 1e-4 + tokens * 1e-4)
    return pace


def labels(answers):
    return [answer["prediction"] for answer in answers]


def test_rows_are_answered_in_their_order(started, fake, rows):
    async def go():
        batcher, version = started(batch_tokens=16), fake.made()
        return await batcher.submit(version, rows("a", "bb" * 30, "ccc", "dd", "e" * 41))

    assert labels(asyncio.run(go())) == ["odd", "even", "odd", "even", "odd"]
    assert len(fake.frames) > 1  # several pieces, put together again


def test_one_thread_owns_the_model(started, fake, rows):
    async def go():
        batcher, version = started(), fake.made()
        await asyncio.gather(*(batcher.submit(version, rows("a" * n)) for n in range(1, 30)))

    asyncio.run(go())
    assert fake.threads == {"tunewright-model"}


def test_what_arrives_meanwhile_is_answered_together_and_nobody_waits_for_company(started, make_fake, rows):
    async def go():
        fake = make_fake(hold=threading.Event())
        batcher, version = started(), fake.made()
        first = batcher.submit(version, rows("first"))
        while not fake.frames:  # taken at once, alone
            await asyncio.sleep(0.001)
        others = [batcher.submit(version, rows(f"word{n}")) for n in range(20)]
        await asyncio.sleep(0.02)
        fake.hold.set()
        await asyncio.gather(first, *others)
        return [frame.height for frame in fake.frames]

    assert asyncio.run(go()) == [1, 20]


def test_the_time_ran_out(started, make_fake, rows):
    async def go():
        fake = make_fake(hold=threading.Event())
        batcher, version = started(), fake.made()
        first = batcher.submit(version, rows("a"))
        while not fake.frames:
            await asyncio.sleep(0.001)
        late = batcher.submit(version, rows("b"), seconds=0.1)
        with pytest.raises(Refused) as refused:
            await late
        assert refused.value.status == 503 and refused.value.retry_after is not None
        fake.hold.set()
        await first
        await asyncio.sleep(0.05)
        return fake.frames, batcher.rows

    frames, waiting = asyncio.run(go())
    assert [frame["message"].to_list() for frame in frames] == [["a"]]  # its row was never computed
    assert waiting == 0


def test_a_cancelled_request_leaves_the_queue_and_its_mates_are_answered(started, make_fake, rows):
    async def go():
        fake = make_fake(hold=threading.Event())
        batcher, version = started(), fake.made()
        first = batcher.submit(version, rows("a"))
        while not fake.frames:
            await asyncio.sleep(0.001)
        gone, stays = batcher.submit(version, rows("gone")), batcher.submit(version, rows("stays"))
        gone.cancel()
        fake.hold.set()
        await first
        answers = await stays
        return fake.frames[1]["message"].to_list(), labels(answers), batcher.rows

    assert asyncio.run(go()) == (["stays"], ["odd"], 0)


def test_a_poison_row_fails_alone(started, make_fake, rows):
    async def go():
        fake = make_fake(hold=threading.Event())
        batcher, version = started(), fake.made()
        first = batcher.submit(version, rows("a"))
        while not fake.frames:
            await asyncio.sleep(0.001)
        good = [batcher.submit(version, rows("x" * n)) for n in range(1, 9)]
        bad = batcher.submit(version, rows("fine", "poison", "fine too"))
        fake.hold.set()
        await first
        found = await asyncio.gather(*good)
        with pytest.raises(Refused) as refused:
            await bad
        return [labels(one) for one in found], refused.value

    found, refused = asyncio.run(go())
    assert found == [["odd"], ["even"]] * 4
    assert refused.status == 500
    assert [problem.row for problem in refused.problems] == [1]
    assert "secret" not in str(refused.body())


def test_what_would_be_late_is_refused_at_once_with_a_time(started, make_fake, rows):
    async def go():
        fake = make_fake(seconds=0.05)
        batcher, version = started(limit=0.3, batch_tokens=64), fake.made(pace=Pace(overhead=0.05, slope=1e-6))
        begun = time.monotonic()
        taken, refused = [], []
        for n in range(200):
            try:
                taken.append(batcher.submit(version, rows("word " * (n % 7 + 1))))
            except Refused as problem:
                refused.append(problem)
        asked = time.monotonic() - begun
        done = await asyncio.gather(*taken, return_exceptions=True)
        return asked, done, refused, await batcher.drain(2)

    asked, done, refused, idle = asyncio.run(go())
    assert asked < 0.2
    assert refused and all(one.status == 429 and one.headers()["Retry-After"] for one in refused)
    late = [one for one in done if isinstance(one, Exception)]
    assert len(done) > 5 and len(late) <= len(done) * 0.1
    assert idle


def test_more_rows_than_may_wait_are_refused(started, make_fake, rows):
    async def go():
        fake = make_fake(hold=threading.Event())
        batcher, version = started(rows=5, limit=10), fake.made()
        taken = [batcher.submit(version, rows("a"))]
        while not fake.frames:
            await asyncio.sleep(0.001)
        taken += [batcher.submit(version, rows("b")) for _ in range(5)]
        with pytest.raises(Refused) as refused:
            batcher.submit(version, rows("c"))
        assert batcher.refusal().status == 429
        fake.hold.set()
        await asyncio.gather(*taken)
        return refused.value.status, batcher.refusal()

    assert asyncio.run(go()) == (429, None)


def test_a_request_that_never_fits_is_not_told_to_come_again(started, make_fake, rows):
    async def go():
        batcher = started(limit=0.5)
        version = make_fake().made(pace=Pace(overhead=0.001, slope=0.01))
        with pytest.raises(Refused) as refused:
            batcher.submit(version, rows(*["word"] * 100))
        return refused.value

    refused = asyncio.run(go())
    assert refused.status == 422 and refused.retry_after is None and "Send fewer" in refused.message


def test_a_pace_that_was_thought_too_slow_is_found_out(started, make_fake, rows):
    async def go():
        batcher = started(limit=0.5)
        version = make_fake().made(pace=Pace(overhead=2.0, slope=1e-6))
        first = await batcher.submit(version, rows("a"))
        more = await asyncio.gather(*(batcher.submit(version, rows(word)) for word in ("bb", "ccc", "dd")))
        return labels([*first, *(answer for answers in more for answer in answers)]), version.pace.overhead

    said, overhead = asyncio.run(go())
    assert said == ["odd", "even", "odd", "even"]
    assert overhead < 0.5


def test_a_drain_answers_all_that_was_let_in_and_lets_nothing_in(started, make_fake, rows):
    async def go():
        fake = make_fake(seconds=0.01)
        batcher, version = started(limit=10, batch_tokens=64), fake.made()
        taken = [batcher.submit(version, rows("word" * (n % 5 + 1))) for n in range(50)]
        ending = asyncio.create_task(batcher.drain(5))
        await asyncio.sleep(0)
        with pytest.raises(Refused) as refused:
            batcher.submit(version, rows("late"))
        answers = await asyncio.gather(*taken)
        return await ending, len(answers), refused.value

    drained, answered, refused = asyncio.run(go())
    assert drained and answered == 50
    assert refused.status == 503 and refused.headers() == {"Retry-After": "1"}


def test_closing_leaves_nobody_waiting(started, make_fake, rows):
    async def go():
        fake = make_fake(hold=threading.Event())
        batcher, version = started(), fake.made()
        first = batcher.submit(version, rows("a"))
        while not fake.frames:
            await asyncio.sleep(0.001)
        second = batcher.submit(version, rows("b"))
        threading.Timer(0.05, fake.hold.set).start()
        await asyncio.to_thread(batcher.close)
        return await asyncio.gather(first, second, return_exceptions=True), batcher.alive

    (first, second), alive = asyncio.run(go())
    assert labels(first) == ["odd"]
    assert isinstance(second, Refused) and second.status == 503
    assert not alive


def test_explanations_wait_for_predictions_but_not_for_ever(started, make_fake, rows, monkeypatch):
    monkeypatch.setattr("tunewright.serving.batcher.PATIENCE", 0.1)

    async def go():
        fake = make_fake(seconds=0.02)
        batcher, version = started(limit=60, batch_tokens=64), fake.made(pace=Pace(overhead=1e-4, slope=1e-6))
        taken = [batcher.submit(version, rows(f"word{n}" * 3, *["w"] * 8)) for n in range(40)]
        done = []
        asked = batcher.ask(lambda: done.append(len(fake.frames)) or "why")
        assert await asked == "why"
        await asyncio.gather(*taken)
        return done[0], len(fake.frames)

    before, all_batches = asyncio.run(go())
    assert 3 <= before < all_batches


def test_a_failing_explanation_fails_alone(started, fake, rows):
    def fail():
        raise RuntimeError("no")

    async def go():
        batcher, version = started(), fake.made()
        with pytest.raises(RuntimeError):
            await batcher.ask(fail)
        return labels(await batcher.submit(version, rows("a")))

    assert asyncio.run(go()) == ["odd"]


def test_explanations_are_bounded(started, make_fake, rows):
    async def go():
        fake = make_fake(hold=threading.Event())
        batcher, version = started(others=2), fake.made()
        first = batcher.submit(version, rows("a"))
        while not fake.frames:
            await asyncio.sleep(0.001)
        asked = [batcher.ask(lambda: 1) for _ in range(2)]
        with pytest.raises(Refused) as refused:
            batcher.ask(lambda: 1)
        fake.hold.set()
        await asyncio.gather(first, *asked)
        return refused.value.status

    assert asyncio.run(go()) == 429


def test_batches_are_smaller_where_time_is_short(started, make_fake, rows):
    async def heights(limit):
        fake = make_fake(hold=threading.Event())
        batcher = started(limit=limit)
        version = fake.made(pace=known_pace())
        first = batcher.submit(version, rows("a"))
        while not fake.frames:
            await asyncio.sleep(0.001)
        taken = [batcher.submit(version, rows("word")) for _ in range(100)]
        fake.hold.set()
        await asyncio.gather(first, *taken)
        return max(frame.height for frame in fake.frames)

    assert asyncio.run(heights(0.2)) > asyncio.run(heights(0.08)) >= 10


def test_answers_do_not_hang_on_batch_mates(started, learned, make_rows):
    """A real model: alone, and among others, within rounding."""
    from tunewright.bundle.predictor import Predictor
    from tunewright.serving.options import ServingOptions
    from tunewright.stories.deploying.serving import version_of

    _, _, fitted = learned("mixed")
    version = version_of(Predictor(fitted.model), name="m", version="1", options=ServingOptions())
    frame = make_rows("mixed", 60, 5).drop("y", "part", "worth").to_dicts()

    async def go():
        batcher = started(limit=30)
        alone = [await batcher.submit(version, version.schema.of_rows([row])) for row in frame]
        together = await asyncio.gather(*(batcher.submit(version, version.schema.of_rows([row])) for row in frame))
        return alone, together

    alone, together = asyncio.run(go())
    for (one,), (other,) in zip(alone, together, strict=True):
        assert one["prediction"] == other["prediction"]
        assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-5)


def test_an_answer_that_is_not_finite_is_a_failure(started, fake, rows):
    import polars as pl

    version = replace(
        fake.made(),
        answer=lambda frame: pl.DataFrame(
            {"prediction": ["a"] * frame.height, "confidence": [float("nan")] * frame.height}
        ),
    )

    async def go():
        batcher = started()
        with pytest.raises(Refused) as refused:
            await batcher.submit(version, rows("a"))
        return refused.value.status

    assert asyncio.run(go()) == 500

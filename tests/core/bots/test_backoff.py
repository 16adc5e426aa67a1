from chatai_core.bots.backoff import Backoff


def test_pauses_double_up_to_the_most_and_start_again_when_it_was_stable() -> None:
    backoff = Backoff(first=1, most=300, stable=600)

    pauses = [backoff.pause(now) for now in range(12)]
    later = backoff.pause(1000)

    for pause, full in zip(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300], strict=True):
        assert full * 0.8 <= pause <= full
    assert later <= 1


def test_many_failures_do_not_overflow() -> None:
    backoff = Backoff(first=1, most=60)
    assert [backoff.pause(0) <= 60 for _ in range(2000)] == [True] * 2000

"""The teacher code: who gets in, and how long the others wait."""

import pytest

from mnist_app.common import teacher_code
from mnist_app.common.errors import InputError
from mnist_app.common.teacher_code import Door, Pass


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_the_right_code_gives_a_pass_that_opens(clock):
    held = Door(clock).enter(" sesame ", "sesame", "a")
    assert held.opens("sesame")
    assert not held.opens("another")


@pytest.mark.parametrize("given", ["", "Sesame", "sesam", "sesame1", "ſesame"])
def test_a_wrong_code_is_refused(clock, given):
    with pytest.raises(InputError, match=r"Wrong teacher code"):
        Door(clock).enter(given, "sesame", "a")


def test_after_five_wrong_codes_even_the_right_one_waits_a_minute(clock):
    door = Door(clock)
    for _ in range(teacher_code.WRONG_PER_CLIENT):
        _guess(door, "a")
        clock.now += 2
    with pytest.raises(InputError, match="try again in 58 s"):
        door.enter("sesame", "sesame", "a")
    clock.now += 57.7
    with pytest.raises(InputError, match="try again in 1 s"):
        door.enter("sesame", "sesame", "a")
    clock.now -= 57.7
    assert door.enter("sesame", "sesame", "b")  # others need not wait
    clock.now += 58
    assert door.enter("sesame", "sesame", "a")


def test_each_further_wrong_code_doubles_the_wait_up_to_an_hour(clock):
    door = Door(clock)
    for _ in range(teacher_code.WRONG_PER_CLIENT):
        _guess(door, "a")
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        clock.now += minutes * 60 - 1
        with pytest.raises(InputError, match="try again in 1 s"):
            door.enter("sesame", "sesame", "a")
        clock.now += 1
        _guess(door, "a")
    with pytest.raises(InputError, match="try again in 60 min"):
        door.enter("sesame", "sesame", "a")


def test_who_gives_the_right_code_or_waits_for_hours_begins_anew(clock):
    door = Door(clock)
    for _ in range(teacher_code.WRONG_PER_CLIENT + 1):
        _guess(door, "a")
        clock.now += teacher_code.SECONDS
    clock.now += teacher_code.SECONDS
    assert door.enter("sesame", "sesame", "a")
    for _ in range(teacher_code.WRONG_PER_CLIENT):
        _guess(door, "a")
    clock.now += teacher_code.FORGOTTEN_AFTER
    for _ in range(teacher_code.WRONG_PER_CLIENT):
        _guess(door, "a")


def test_guessing_a_code_of_six_digits_from_many_addresses_takes_months(clock):
    door = Door(clock)
    guesses, begin = 0, clock.now
    while guesses < 2000:
        try:
            door.enter("guess", "sesame", f"2001:db8::{guesses:x}")
        except InputError as error:
            if "Too many" in str(error):
                clock.now += 1
                continue
        guesses += 1
    assert 10**6 / guesses * (clock.now - begin) / 2 > 30 * 24 * 3600


def test_many_clients_together_wait_too(clock):
    door = Door(clock)
    for number in range(teacher_code.WRONG_IN_ALL):
        _guess(door, str(number))
    with pytest.raises(InputError, match="try again in 60 s"):
        door.enter("guess", "sesame", "another")


def test_those_who_guess_do_not_keep_the_teachers_own_machine_waiting(clock):
    door = Door(clock)
    for number in range(teacher_code.WRONG_IN_ALL):
        _guess(door, str(number))
    assert door.enter("sesame", "sesame", teacher_code.HERE)
    for _ in range(teacher_code.WRONG_PER_CLIENT):
        _guess(door, teacher_code.HERE)
    with pytest.raises(InputError, match="try again in 60 s"):
        door.enter("sesame", "sesame", teacher_code.HERE)


def _guess(door: Door, client: str) -> None:
    with pytest.raises(InputError, match="Wrong teacher code"):
        door.enter("guess", "sesame", client)


def test_letters_with_marks_are_the_same_however_they_are_written(clock):
    assert Door(clock).enter("schu\u0308ler", "sch\u00fcler", "a")


def test_a_pass_does_not_tell_its_code():
    held = Pass("sesame")
    assert "sesame" not in repr(held) + str(vars(held))


@pytest.mark.parametrize(
    ("variable", "secret", "code"),
    [
        (None, None, None),
        ("", None, None),
        ("  ", "kept", "kept"),
        (" open ", "kept", "open"),
        (None, "kept", "kept"),
        (None, 0, "0"),  # a number in the file of secrets
        ("sch\udcfcler", None, "schüler"),  # from a terminal that does not write UTF-8
    ],
)
def test_the_code_comes_from_the_environment_or_else_the_secrets(
    monkeypatch, variable, secret, code
):
    monkeypatch.delenv(teacher_code.VARIABLE, raising=False)
    if variable is not None:
        monkeypatch.setenv(teacher_code.VARIABLE, variable)
    assert teacher_code.configured_code(lambda: secret) == code

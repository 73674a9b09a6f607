"""When a study is complete, on a clock of the test's own."""

import pytest

from monai_unsup_denoise.dicom_node.completeness import Completeness


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def completeness(clock):
    return Completeness(30, interrupted_seconds=600, clock=clock)


def complete_at(completeness, clock, now):
    clock.now = now
    return completeness.complete()


def test_a_study_is_complete_after_the_quiet_time(completeness, clock):
    completeness.arrived("study", "one")
    completeness.ended("one", released=True)
    assert complete_at(completeness, clock, 29) == []
    assert complete_at(completeness, clock, 30) == ["study"]
    assert complete_at(completeness, clock, 9999) == []


def test_a_new_instance_starts_the_quiet_time_again(completeness, clock):
    completeness.arrived("study", "one")
    clock.now = 20
    completeness.arrived("study", "two")
    completeness.ended("one", released=True)
    completeness.ended("two", released=True)
    assert complete_at(completeness, clock, 49) == []
    assert complete_at(completeness, clock, 50) == ["study"]


def test_a_study_waits_for_a_connection_that_is_open(completeness, clock):
    completeness.arrived("study", "one")
    assert complete_at(completeness, clock, 300) == []
    completeness.ended("one", released=True)
    assert complete_at(completeness, clock, 300) == ["study"]


def test_a_connection_that_went_on_to_another_does_not_count(completeness, clock):
    completeness.arrived("first", "one")
    completeness.arrived("second", "one")
    assert complete_at(completeness, clock, 30) == ["first"]


def test_a_broken_connection_gives_time_to_repeat(completeness, clock):
    completeness.arrived("study", "one")
    completeness.ended("one", released=False)
    assert complete_at(completeness, clock, 599) == []
    completeness.arrived("study", "two")
    completeness.ended("two", released=True)
    assert complete_at(completeness, clock, 629) == ["study"]


def test_a_sender_that_never_comes_back_does_not_block(completeness, clock):
    completeness.found("study")
    assert complete_at(completeness, clock, 599) == []
    assert complete_at(completeness, clock, 600) == ["study"]


def test_a_release_after_a_refusal_completes_nothing(completeness, clock):
    completeness.arrived("study", "one")
    completeness.refused("study", "one")
    completeness.ended("one", released=True)
    assert complete_at(completeness, clock, 599) == []
    assert complete_at(completeness, clock, 600) == ["study"]

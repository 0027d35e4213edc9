"""What one subscriber is shown of what looks tell: its own choice, each state once, to the end of every named job."""

from dataclasses import replace

import pytest

from firecrest_gql.errors import NotFound
from firecrest_gql.jobs.following import Following
from firecrest_gql.jobs.mirror import Told
from firecrest_gql.model.jobs import Job, JobState
from tests.jobs_recorded import job

Event = tuple[str, JobState | None, JobState]
PENDING, HELD, RUNNING = JobState.PENDING, JobState.HELD, JobState.RUNNING
COMPLETED, CANCELLED, UNKNOWN = JobState.COMPLETED, JobState.CANCELLED, JobState.UNKNOWN


def task(job_id: str, state: JobState = PENDING, user: str = "me") -> Job:
    """Tasks of the array 7, or one."""
    return job(job_id, state, user=user, array_job_id="7", raw_id="7" if "[" in job_id else f"10{job_id[2:]}")


def told(following: Following, *jobs: Job, removed: bool = False, previous: JobState | None = None) -> list[Event]:
    """The events of these changes, one behind the other."""
    changes = [Told(one, previous, removed) for one in jobs]
    events = [event for change in changes for event in following.events(change)]
    return [(event.job.job_id, event.previous_state, event.job.state) for event in events]


def renamed(following: Following, before: Job, *now: Job) -> list[Event]:
    """The rest of the array has another id, and perhaps a task has left it."""
    return [*told(following, *now), *told(following, before, removed=True)]


def test_a_task_that_waits_with_others_is_told_what_is_told_of_them_all() -> None:
    rest = task("7_[0-9]")
    following = Following("me", ["7_7", "7_8"], [])
    assert [one.job_id for one in following.begin([rest], None)] == ["7_7", "7_8"]
    assert told(following, replace(rest, state=HELD)) == [("7_7", PENDING, HELD), ("7_8", PENDING, HELD)]
    assert renamed(following, rest, task("7_7", RUNNING), task("7_[0-6,8-9]", HELD)) == [("7_7", HELD, RUNNING)]
    assert told(following, task("7_7", COMPLETED)) == [("7_7", RUNNING, COMPLETED)]
    assert not following.done
    assert told(following, task("7_[0-6,8-9]", CANCELLED)) == [("7_8", HELD, CANCELLED)]
    assert following.done


def test_a_task_that_leaves_the_rest_of_its_array_is_asked_for_and_cancelled_where_nothing_knows_it() -> None:
    rest = task("7_[0-9]")
    following = Following("me", ["7_7"], [])
    following.begin([rest], None)
    assert renamed(following, rest, task("7_[0-6,8-9]")) == []
    assert list(following.missing) == ["7_7"]
    assert not following.done
    [event] = following.found({"7_7": NotFound("none")})
    assert (event.job.job_id, event.previous_state, event.job.state) == ("7_7", PENDING, CANCELLED)
    assert following.done


def test_a_task_that_leaves_the_rest_of_its_array_has_the_end_that_the_viewers_own_query_finds() -> None:
    rest = task("7_[0-9]")
    following = Following("me", ["7_7"], [])
    following.begin([rest], None)
    renamed(following, rest, task("7_[0-6,8-9]"))
    [event] = following.found({"7_7": task("7_7", COMPLETED)})
    assert (event.previous_state, event.job.state) == (PENDING, COMPLETED)
    assert following.done


def test_a_task_goes_back_to_wait_with_the_others() -> None:
    alone, rest = task("7_3", HELD), task("7_[0-2,4-9]")
    following = Following("me", ["7_3"], [])
    following.begin([alone, rest], None)
    assert told(following, task("7_[0-9]")) == [("7_3", HELD, PENDING)]
    assert told(following, alone, rest, removed=True) == []
    assert not following.missing


def test_an_id_of_several_tasks_is_followed_to_the_end_of_the_last_of_them() -> None:
    following = Following("me", ["7_[0-1]"], [])
    following.begin([task("7_[0-1]")], None)
    assert [event[0] for event in renamed(following, task("7_[0-1]"), task("7_0", RUNNING), task("7_[1]"))] == [
        "7_0",
        "7_[1]",
    ]
    assert told(following, task("7_0", COMPLETED)) == [("7_0", RUNNING, COMPLETED)]
    assert not following.done
    renamed(following, task("7_[1]"), task("7_1", COMPLETED))
    assert following.done


def test_an_array_of_which_every_task_is_cancelled_one_by_one_has_an_end() -> None:
    following = Following("me", ["7"], [])
    following.begin([task("7_[8-9]")], None)
    told(following, task("7_[8-9]"), removed=True)
    assert not following.done
    assert [event.job.state for event in following.found({"7": NotFound("none")})] == [CANCELLED]
    assert following.done


@pytest.mark.parametrize("asked", ["20", "21"])
def test_a_job_is_followed_by_every_id_that_a_query_finds_it_by(asked: str) -> None:
    parts = [job("20+0", user="me", raw_id="20"), job("20+1", user="me", raw_id="21")]
    following = Following("me", [asked], [])
    assert [one.job_id for one in following.begin(parts, None)] == [
        f"20+{n}" for n in range(2) if asked in parts[n].ids
    ]
    for part in parts:
        assert not following.done
        told(following, replace(part, state=COMPLETED))
    assert following.done


def test_the_tasks_of_another_users_array_are_shown_as_they_begin() -> None:
    rest = task("7_[0-1]", user="somebody")
    following = Following("me", ["7"], [rest])
    following.begin([rest, job("8", user="somebody")], None)
    begun, left = task("7_0", RUNNING, "somebody"), task("7_[1]", PENDING, "somebody")
    assert renamed(following, rest, begun, left) == [("7_0", None, RUNNING), ("7_[1]", None, PENDING)]
    assert not following.done
    assert told(following, job("8", COMPLETED, user="somebody"), task("7_2", RUNNING, "else")) == []


def test_who_may_see_nothing_of_what_comes_is_not_told_that_it_is_over() -> None:
    following = Following("me", ["7"], [])
    following.begin([], None)
    assert not following.done


def test_a_look_that_is_behind_the_viewers_own_query_is_not_told_and_a_requeue_is() -> None:
    ended = job("1", COMPLETED, user="me")
    following = Following("me", ["1", "2"], [ended])
    following.begin([job("2", user="me")], None)
    assert told(following, job("1", RUNNING, user="me")) == []
    assert told(following, ended) == []
    assert told(following, job("1", PENDING, user="me")) == [("1", COMPLETED, PENDING)]
    assert told(following, job("1", RUNNING, user="me")) == [("1", PENDING, RUNNING)]


def test_the_requeue_of_a_job_that_a_look_has_seen_ended_is_told_at_once() -> None:
    ended = job("1", COMPLETED, user="somebody")
    following = Following("me", ["1", "2"], [ended, job("2", user="somebody")])
    following.begin([ended, job("2", user="somebody")], None)
    assert told(following, replace(ended, state=PENDING)) == [("1", COMPLETED, PENDING)]


def test_a_job_that_is_lost_is_over_until_it_is_seen_again() -> None:
    following = Following("me", ["1"], [])
    following.begin([job("1", user="me")], None)
    assert told(following, job("1", UNKNOWN, user="me"), removed=True) == [("1", RUNNING, UNKNOWN)]
    assert following.done
    assert told(following, job("1", user="me")) == [("1", UNKNOWN, RUNNING)]
    assert not following.done

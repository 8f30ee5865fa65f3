from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.kubelet import facts, lifecycle, stages

KNOWN = ("image", "pull", "names")


def table(**stage: Any) -> dict[str, Any]:
    return {"stages": [{"name": "s", "from": "new", "to": "done", **stage}]}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param({}, "stages: a list named stages is needed", id="nothing"),
        pytest.param({"stages": ["x"]}, "stage 1: a stage is a map of", id="no map"),
        pytest.param(table(wehn={}), "stage s: wehn is not one of code, delay, events, from", id="unknown field"),
        pytest.param(table(to=""), "stage s: to is missing", id="no target"),
        pytest.param(
            table(when={"imgae": 1}), "stage s: when names the fact 'imgae'; there are image, names, pull", id="unknown fact"
        ),
        pytest.param(table(delay="later"), "stage s: delay names the fact 'later'", id="unknown delay"),
        pytest.param(table(delay=-1), "stage s: delay is -1, not a number of seconds", id="negative delay"),
        pytest.param(table(message="{who}"), "stage s: message names the fact 'who'", id="unknown name in a message"),
        pytest.param(table(message="{"), "stage s: '{' cannot be filled in", id="broken message"),
        pytest.param(
            table(events=[{"reason": "R"}]), "stage s: an event needs a reason and a message", id="event without message"
        ),
        pytest.param(
            table(events=[{"reason": "R", "message": "m", "type": "Bad"}]),
            "stage s: the type of an event is Normal or Warning, not 'Bad'",
            id="event type",
        ),
        pytest.param(table(to="new"), "stages: the stages from new run in a circle without delay", id="circle"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_with_its_place(document: Any, said: str) -> None:
    with pytest.raises(stages.StageError) as refused:
        stages.parse(document, KNOWN)
    assert said in str(refused.value)


def test_the_first_stage_whose_facts_hold_comes_next() -> None:
    rows = [
        {"name": "pull", "from": "new", "to": "pulling", "when": {"image": "absent"}, "delay": "pull"},
        {"name": "go", "from": ["new", "pulling"], "to": "running", "delay": 2},
    ]
    found = stages.parse({"stages": rows}, KNOWN)
    absent = stages.next_stage(found, "new", {"image": "absent", "pull": 1.5}, 10.0)
    present = stages.next_stage(found, "new", {"image": "present", "pull": 1.5}, 10.0)
    assert absent is not None
    assert present is not None
    assert (absent[0].to, absent[1]) == ("pulling", 11.5)
    assert (present[0].to, present[1]) == ("running", 12.0)
    assert stages.next_stage(found, "running", {}, 10.0) is None


def test_messages_are_filled_in_and_lists_give_one_event_an_item() -> None:
    said = stages.Said("R", "image {image}")
    each = stages.Said("R", "no {each}", "Warning", "names")
    known = {"image": "nginx", "names": ["a", "b"]}
    assert said.sentences(known) == ["image nginx"]
    assert each.sentences(known) == ["no a", "no b"]


def test_the_shipped_tables_are_sound() -> None:
    pod, container = lifecycle.pod_stages(), lifecycle.container_stages()
    assert set(pod) == {"bound", "mounting", "unmounted", "sandbox", "live", "stopping"}
    assert {s.to for ways in container.values() for s in ways} == set(container)
    assert set(facts.CONTAINER_FACTS).isdisjoint(facts.POD_FACTS)

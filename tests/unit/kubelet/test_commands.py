from __future__ import annotations

import math

import pytest

from k8s_notebook.kubelet import commands, images

BUSYBOX, NGINX, OWN = images.image("busybox"), images.image("nginx:1.27"), images.image("my-app-image:v1")
PERL = ("perl", "-Mbignum=bpi", "-wle", "print bpi(2000)")


def sh(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


@pytest.mark.parametrize(
    ("command", "must_end", "lines", "lasts", "code"),
    [
        pytest.param(sh("echo hello"), True, ["hello"], 0.05, 0, id="echo"),
        pytest.param(sh("echo a; sleep 5; exit 3"), False, ["a"], 5, 3, id="sleep and exit"),
        pytest.param(sh("echo 'a;b' && sleep 1m && echo c"), True, ["a;b", "c"], 60, 0, id="quotes and minutes"),
        pytest.param(sh("false && echo no; echo yes"), True, ["yes"], 0.05, 0, id="and after a failure"),
        pytest.param(sh("false || exit 4; echo no"), True, [], 0.05, 4, id="or after a failure"),
        pytest.param(sh("false"), True, [], 0.05, 1, id="the last code counts"),
        pytest.param(sh("echo secret > /data/file"), True, [], 0.05, 0, id="redirected"),
        pytest.param(sh("# a remark\necho a\n\nsleep 2"), True, ["a"], 2, 0, id="lines and remarks"),
        pytest.param(sh("until nslookup db; do echo waiting; sleep 2; done; echo found"), True, ["found"], 0.05, 0, id="until"),
        pytest.param(sh("trap 'exit 0' TERM; sleep 1000 & wait"), False, [], None, 0, id="wait"),
        pytest.param(("sleep", "3600"), False, [], 3600, 0, id="sleep"),
        pytest.param(("sleep", "infinity"), True, [], None, 0, id="for ever"),
        pytest.param(("tail", "-f", "/dev/null"), True, [], None, 0, id="tail"),
        pytest.param(PERL, True, [commands.stages.table("commands")["commands"]["perl"]["prints"]], 3, 0, id="pi"),
        pytest.param(("/app/server", "--port=80"), False, [], None, 0, id="unknown, restarted for ever: runs"),
        pytest.param(("/app/batch",), True, [], 2, 0, id="unknown, must end: ends well"),
        pytest.param(sh("for i in 1 2; do echo $i; done"), False, [], None, 0, id="not understood"),
        pytest.param(sh("echo 'open"), True, [], 2, 0, id="broken quotes"),
        pytest.param(("sh",), True, [], 0.05, 0, id="a shell with nothing to do"),
    ],
)
def test_a_command_is_followed(
    command: tuple[str, ...], must_end: bool, lines: list[str], lasts: float | None, code: int
) -> None:
    found = commands.plan(BUSYBOX, command, (), must_end)
    assert [text for _, text in found.lines] == lines
    assert (found.lasts, found.code) == (lasts, code)


@pytest.mark.parametrize(
    ("image", "args", "must_end", "lasts"),
    [
        pytest.param(NGINX, (), False, None, id="a server runs"),
        pytest.param(NGINX, (), True, None, id="a server runs, whatever the policy"),
        pytest.param(BUSYBOX, (), True, 0.1, id="a shell without a terminal ends"),
        pytest.param(BUSYBOX, ("sleep", "7"), True, 7, id="a shell's arguments are the command"),
        pytest.param(OWN, (), False, None, id="an unknown image runs"),
        pytest.param(OWN, ("--once",), True, 2, id="an unknown image with arguments ends if it must"),
        pytest.param(images.image("hello-world"), (), False, 0.1, id="hello-world ends"),
    ],
)
def test_an_image_without_a_command(image: images.Image, args: tuple[str, ...], must_end: bool, lasts: float | None) -> None:
    assert commands.plan(image, (), args, must_end).lasts == lasts


def test_an_endless_loop_writes_on_and_on() -> None:
    found = commands.plan(BUSYBOX, sh("echo start; while true; do date; echo tick; sleep 10; done"), (), False)
    assert found.lasts is None
    assert found.written(0) == [(0, "start"), (0, "{date}"), (0, "tick")]
    assert [offset for offset, text in found.written(25) if text == "tick"] == [0, 10, 20]
    assert found.next_line(0) == 10
    assert found.next_line(19.5) == 20
    assert len(found.written(10_000_000)) <= commands.MOST_LINES + 3


@pytest.mark.parametrize(
    ("command", "seconds"),
    [(sh("sleep 5"), 5), (("sleep", "2"), 2), (("/bin/drain",), 0), (("tail", "-f", "x"), math.inf)],
)
def test_a_hook_takes_its_time(command: tuple[str, ...], seconds: float) -> None:
    assert commands.hook_seconds(command) == seconds


def test_a_script_may_say_what_sigterm_does() -> None:
    assert commands.plan(BUSYBOX, sh("trap 'exit 7' TERM; sleep 1000 & wait"), (), False).on_term == 7


def test_names_are_filled_in() -> None:
    known = {"HOSTNAME": "web-0", "WHO": "you"}
    assert commands.expanded("$WHO ${HOSTNAME} $(WHO) $NOBODY.", known) == "you web-0 you ."

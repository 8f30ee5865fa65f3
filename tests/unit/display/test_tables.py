"""Rows as text, as HTML and as pandas tables."""

from __future__ import annotations

import json
import pathlib
from html.parser import HTMLParser

import pytest

from k8s_notebook.display import frame, glyphs, health, html, rows, text
from k8s_notebook.display.rows import Column, Row, Sheet
from k8s_notebook.objects import Obj, kinds
from tests.unit.display import hostile

COLUMNS = (
    Column("Name", format="name"), Column("Ready"), Column("Status"), Column("Restarts"), Column("Age"), Column("IP", wide=True),
    Column("Node", wide=True), Column("Nominated Node", wide=True),
)  # fmt: skip
PODS = kinds.of("pods")


def pod(name: str, ready: str, word: str, restarts: str = "0", **more: Obj) -> Row:
    obj = {"metadata": {"name": name, "namespace": "shop", "labels": {"app": "web"}}, **more}
    return Row((name, ready, word, restarts, "2d4h", "10.0.0.1", "node-1", "<none>"), obj)


def sheet(*rows: Row) -> Sheet:
    return Sheet(PODS, COLUMNS, rows)


WELL = pod("web-1", "1/1", "Running")
CRASHED = pod("a-very-long-name", "0/1", "CrashLoopBackOff", "6 (94s ago)")


def test_columns_are_aligned_as_kubectl_does() -> None:
    assert text.columns(text.lines(sheet(WELL, CRASHED))).split("\n") == [
        "NAME               READY   STATUS             RESTARTS      AGE",
        "web-1              1/1     Running            0             2d4h",
        "a-very-long-name   0/1     CrashLoopBackOff   6 (94s ago)   2d4h",
    ]


def test_namespaces_labels_wide_and_prefix() -> None:
    said = text.columns(text.lines(sheet(WELL), wide=True, namespaces=True, show_labels=True, prefix=True)).split("\n")
    assert said[0].split() == [
        "NAMESPACE",
        "NAME",
        "READY",
        "STATUS",
        "RESTARTS",
        "AGE",
        "IP",
        "NODE",
        "NOMINATED",
        "NODE",
        "LABELS",
    ]
    assert said[1].split() == ["shop", "pod/web-1", "1/1", "Running", "0", "2d4h", "10.0.0.1", "node-1", "<none>", "app=web"]


def test_the_real_servers_rows(shared: pathlib.Path) -> None:
    golden = json.loads((shared / "data" / "kubernetes-golden" / "tables_with_rows.json").read_text())
    for path, answers in golden.items():
        kind = kinds.BUILTIN.named(path.rsplit("/", 1)[1])
        assert kind is not None
        found = rows.from_table(kind, answers["table"])
        lines = text.lines(found, wide=True)
        assert {len(line) for line in lines} == {len(found.columns)}, path
        Page().check(html.figure(html.table(found, wide=True)))
        assert next(iter(frame.of_sheets([found]).columns)) == "name"


def test_a_frame_has_kubectls_columns_and_numbers() -> None:
    df = frame.of_sheets([sheet(WELL, CRASHED)])
    assert list(df.columns) == ["name", "namespace", "ready", "status", "restarts", "age", "ip", "node", "nominated node"]
    assert list(df["restarts"]) == [0, 6]
    assert list(df["namespace"]) == ["shop", "shop"]
    assert df["nominated node"].isna().all()


def test_several_kinds_in_one_frame() -> None:
    nodes = Sheet(kinds.of("nodes"), (Column("Name"), Column("Status")), (Row(("node-1", "Ready")),))
    df = frame.of_sheets([sheet(WELL), nodes])
    assert list(df["kind"]) == ["Pod", "Node"]
    assert list(df["name"]) == ["web-1", "node-1"]


UNSCHEDULABLE = {"status": {"conditions": [{"type": "PodScheduled", "reason": "Unschedulable", "message": "0/1 nodes"}]}}


@pytest.mark.parametrize(
    ("row", "level", "reason"),
    [
        (WELL, "ok", ""),
        (CRASHED, "bad", ""),
        (pod("x", "0/1", "Running"), "wait", "not ready"),
        (pod("x", "0/1", "Pending", **UNSCHEDULABLE), "stuck", "0/1 nodes"),
        (pod("x", "0/1", "Pending"), "wait", ""),
        (pod("x", "0/1", "Init:0/2"), "wait", ""),
        (pod("x", "0/1", "Init:Error"), "bad", ""),
        (pod("x", "0/1", "Completed"), "done", ""),
        (pod("x", "1/1", "Terminating"), "away", ""),
        (pod("x", "0/1", "Unknown"), "unknown", ""),
    ],
)
def test_health_of_pods(row: Row, level: str, reason: str) -> None:
    assert health.of(sheet(row), row) == (level, reason)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ((WELL,), "The pod is well."),
        ((WELL, WELL), "All 2 pods are well."),
        ((WELL, CRASHED), "1 of 2 pods needs a look."),
        ((WELL, pod("x", "0/1", "ContainerCreating")), "1 of 2 pods is on the way."),
    ],
)
def test_the_sentence(given: tuple[Row, ...], sentence: str) -> None:
    found = sheet(*given)
    assert html.sentence(found, [health.of(found, r) for r in given]) == sentence


def test_problems_come_first_and_say_why() -> None:
    stuck = pod("stuck", "0/1", "Pending", **UNSCHEDULABLE)
    page = html.table(sheet(WELL, stuck), meta=["embedded demo"])
    assert page.index("stuck") < page.index("web-1")
    assert "problems first" in page
    assert '<tr class="reason">' in page
    assert glyphs.WORDS["stuck"] in page


def test_generated_names_have_a_dim_end() -> None:
    labels = {"pod-template-hash": "abc"}
    obj = {"metadata": {"name": "web-abc-x1", "generateName": "web-abc-", "labels": labels}}
    page = html.table(sheet(Row(("web-abc-x1", "1/1", "Running", "0", "1s", "", "", ""), obj)))
    assert 'web<span class="dim">-abc-x1</span>' in page


def test_a_large_table_says_how_much_it_shows() -> None:
    many = [pod(f"web-{i}", "1/1", "Running") for i in range(html.MOST_ROWS + 7)]
    page = html.table(sheet(*many, CRASHED))
    assert f"{html.MOST_ROWS} of {html.MOST_ROWS + 8} shown, all 1 problems included" in page
    assert CRASHED.name in page
    assert page.count("data-name=") == html.MOST_ROWS


@pytest.mark.parametrize("said", hostile.CORPUS)
def test_no_display_of_rows_obeys_hostile_text(said: str) -> None:
    obj = {
        "metadata": {"name": said, "namespace": said, "labels": {said: said}, "generateName": said[:3]},
        "status": {"conditions": [{"type": "PodScheduled", "reason": "Unschedulable", "message": said}]},
    }
    columns = (*COLUMNS[:-1], Column(said))
    found = Sheet(PODS, columns, (Row((said, said, "Pending", said, said, said, said, said), obj),))
    page = html.figure(html.table(found, meta=[said], wide=True, namespaces=True, show_labels=True), label=said)
    hostile.check_html(page)
    Page().check(page)
    hostile.check_html(html.pre(said))
    plain = text.columns(text.lines(found, wide=True, namespaces=True, show_labels=True))
    hostile.check_text(plain)
    assert len(plain.split("\n")) == 2
    hostile.check_text(" ".join(map(str, frame.of_sheets([found]).iloc[0].drop(["name", "namespace"], errors="ignore"))))


class Page(HTMLParser):
    """Checks that every element is closed, and that only elements of ours are there."""

    KNOWN = frozenset(
        ["style", "figure", "h1", "p", "b", "span", "table", "thead", "tbody", "tr", "th", "td", "svg", "circle", "path", "pre"]
    )
    EMPTY = frozenset({"circle", "path"})

    def check(self, page: str) -> None:
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.KNOWN, tag
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.KNOWN, tag

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

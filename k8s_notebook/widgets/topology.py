"""The graph of a cluster as a view: an interactive picture where widgets live, an SVG and text everywhere else."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import anywidget
import traitlets

from k8s_notebook.display import escaping, graph_svg, graph_text, words
from k8s_notebook.graph import build, layout
from k8s_notebook.graph.build import Graph
from k8s_notebook.graph.picture import Picture
from k8s_notebook.objects import Obj
from k8s_notebook.sim import clock
from k8s_notebook.widgets.live import Look

STATIC = pathlib.Path(__file__).parent / "static"

Source = Callable[[], tuple[Iterable[Obj], frozenset[str]]]
"""Gives (objects, kinds that could not be listed)."""


class Topology(anywidget.AnyWidget):  # type: ignore[misc]
    """The objects of a cluster and what they have to do with each other.

    `nx` is the networkx `MultiDiGraph` behind it (nodes are `graph.relations.Key`s: kind, namespace, name), `selection` are the
    names of the chosen objects ("Pod/default/web-0"): clicked ones, and setting it highlights. With a `look` at a feed the view
    follows the cluster; `state` says whether it is "live", or since when it is stale.
    """

    _esm = STATIC / "views.js"
    view = traitlets.Unicode("topology").tag(sync=True)
    picture = traitlets.Dict().tag(sync=True)
    selection = traitlets.List(traitlets.Unicode()).tag(sync=True)
    details = traitlets.List().tag(sync=True)
    state = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self, source: Source, meta: Iterable[str] = (), look: Look | None = None, wall: clock.Clock | None = None
    ) -> None:
        self._source = source
        self._meta = tuple(meta)
        self._clock = wall or clock.Wall()
        self._look = look
        self.nx: Graph = Graph()
        self._picture = Picture()
        self._refresh()
        super().__init__(picture=self._shown(), state=self._liveness())
        if look is not None:
            look.listen(self._changed)

    def to_svg(self, path: str | pathlib.Path | None = None) -> str | None:
        """The picture as an SVG document; with a `path` it is written there and None comes back, as pandas' `to_csv` does."""
        text = graph_svg.svg(self._picture, words.sentence(self.nx), self._said())
        if path is None:
            return text
        pathlib.Path(path).expanduser().write_text(text, encoding="utf-8")
        return None

    def close(self) -> None:
        """Stop following the cluster and remove the view."""
        if self._look is not None:
            self._look.close()
        super().close()

    def _refresh(self) -> None:
        objects, unseen = self._source()
        self.nx = build.build(objects, self._clock.now(), unseen)
        self._picture = layout.layout(self.nx)

    def _changed(self) -> None:
        self._refresh()
        self.picture = self._shown()
        self.state = self._liveness()
        if self.selection:
            self.details = self._facts()

    def _said(self) -> list[str]:
        shown = len({i.key for i in self._picture.items if i.key.kind != "Node"}) + sum(len(c.keys) for c in self._picture.cells)
        left_out = self._picture.left_out
        amount = f"{shown:,} object{'' if shown == 1 else 's'}"
        if left_out:
            amount = f"{self._picture.blocks} of {self._picture.blocks + left_out:,} applications, all with problems included"
        return [*self._meta, amount]

    def _liveness(self) -> str:
        if self._look is None:
            return ""
        since = self._look.feed.stale_since
        return "live" if since is None else f"stale since {clock.time_of_day(since)}"

    def _shown(self) -> dict[str, Any]:
        picture = self._picture
        return {
            "width": picture.width,
            "height": picture.height,
            "sentence": escaping.line(words.sentence(self.nx)),
            "meta": [escaping.line(m) for m in self._said()],
            "style": graph_svg.style(),
            "arrows": graph_svg.arrows(),
            "legend": graph_svg.legend(picture),
            "parts": graph_svg.parts(picture),
        }

    @traitlets.observe("selection")  # type: ignore[untyped-decorator]
    def _selected(self, _: object) -> None:
        self.details = self._facts()

    def _facts(self) -> list[tuple[str, str]]:
        keys = {str(k): k for k in self.nx}
        return [
            row for name in self.selection if name in keys for row in graph_text.facts(self.nx, keys[name], self._clock.now())
        ]

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        made = super()._repr_mimebundle_(**kwargs) or {}
        data, metadata = made if isinstance(made, tuple) else (made, {})
        static = {"text/plain": graph_text.text(self.nx), "image/svg+xml": self.to_svg()}
        return {**data, **static}, metadata

    def __repr__(self) -> str:
        return graph_text.text(self.nx)

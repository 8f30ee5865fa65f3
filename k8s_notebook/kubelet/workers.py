"""What the kubelets do about pods: records, turns on the loop, writes. Which nodes there are is service.py's business."""

from __future__ import annotations

from collections.abc import Mapping

from k8s_notebook.kubelet import lifecycle, runs, status, stopping
from k8s_notebook.kubelet.members import Member
from k8s_notebook.kubelet.runs import Run
from k8s_notebook.kubelet.runtimes.simulated import LogStream, SimulatedRuntime
from k8s_notebook.machinery.actions import Delete, Emit, Update
from k8s_notebook.machinery.api import Ticket
from k8s_notebook.machinery.cache import Name, View, name_of
from k8s_notebook.objects import Obj
from k8s_notebook.objects.errors import ApiError, NotFound
from k8s_notebook.sim.loop import Loop

RETRY = 0.05
"""Seconds until a refused write is tried again; each further time twice as long."""
MOST_RETRY = 10.0


class Workers:
    """The pods of all simulated nodes. `members`: node name -> its record, kept by service.Kubelets."""

    def __init__(self, loop: Loop, view: View, members: Mapping[str, Member]) -> None:
        self._loop = loop
        self._view = view
        self._members = members
        self._runs: dict[Name, Run] = {}
        self._blocked: dict[Name, None] = {}
        self._streams: dict[str, list[LogStream]] = {}
        self.writes = 0

    def __len__(self) -> int:
        return len(self._runs)

    def runtime(self, node: str) -> SimulatedRuntime:
        """The containers of a node."""
        return SimulatedRuntime(node, self._loop, self._runs, self._streams)

    def changed(self, old: Obj | None, new: Obj | None) -> None:
        """Take in a change of a pod; others than those of our nodes are not looked at."""
        pod = new if new is not None else old
        if pod is None or pod["spec"].get("nodeName") not in self._members:
            return
        run = self._runs.get(name_of(pod))
        if run is not None and run.uid != pod["metadata"]["uid"]:
            if new is None:
                return
            self.forget(run)
            run = None
        if run is None:
            if new is not None:
                self._begin(new)
        elif new is None:
            self.forget(run)
        elif newer(new, run.obj):
            same = new["spec"] is run.obj["spec"]
            run.obj = new
            if not same:
                self._refresh(run)
            self._plan(run, self._loop.now())

    def config_changed(self, old: Obj | None, new: Obj | None) -> None:
        """A ConfigMap or Secret came or changed: look again at the pods of its namespace that lack one."""
        if new is None or not self._blocked:
            return
        namespace = new["metadata"].get("namespace", "")
        for key in [k for k in self._blocked if k[0] == namespace]:
            run = self._runs.get(key)
            if run is not None:
                runs.unblock(run)
                self._plan(run, self._loop.now())

    def of_node(self, node: str) -> list[Run]:
        """The pods of a node."""
        return [run for run in self._runs.values() if run.node == node]

    def pause(self, node: str) -> None:
        """The kubelet of a node is stopped: nothing more is done or said."""
        for run in self.of_node(node):
            if run.handle is not None:
                run.handle.cancel()
            for container in run.containers:
                self._end_streams(container.run.id if container.run is not None else "")

    def resume(self, node: str) -> None:
        """The kubelet of a node is back: look at all its pods."""
        for run in self.of_node(node):
            self._plan(run, self._loop.now())

    def forget(self, run: Run) -> None:
        """The pod is gone from the cluster (or the node is): end what still runs, as the kubelet does, and free its address."""
        run.gone = True
        if run.handle is not None:
            run.handle.cancel()
        if self._runs.get(run.key) is run:
            del self._runs[run.key]
        self._blocked.pop(run.key, None)
        member = self._members.get(run.node)
        if member is not None:
            self._release(run, member)
        for container in [c for c in run.containers if c.state == "running" and c.run is not None]:
            if container.stop_at is None and member is not None and not member.stopped:
                event = Emit(run.obj, "Killing", f"Stopping container {container.name}", field_path=container.path)
                member.recorder.record(event)
            if container.run is not None:
                container.run.finished = self._loop.now()
                self._end_streams(container.run.id)

    def _begin(self, pod: Obj) -> None:
        run = runs.new_run(pod, self._loop.now())
        self._runs[run.key] = run
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            run.over = True
            return
        if run.address:
            self._members[run.node].pool.claim(run.address)
        self._plan(run, self._loop.now())

    def _refresh(self, run: Run) -> None:
        """The pod's specification may have changed: a container with another image is started anew."""
        for container in runs.refresh(run, self._loop.now()):
            message = f"Container {container.name} definition changed, will be restarted"
            self._members[run.node].recorder.record(Emit(run.obj, "Killing", message, field_path=container.path))

    def _plan(self, run: Run, when: float) -> None:
        if run.handle is not None:
            if run.handle.callback is not None and run.handle.when <= when:
                return
            run.handle.cancel()
        run.handle = self._loop.at(when, lambda: self._sync(run))

    def _sync(self, run: Run) -> None:
        """Look at one pod: move it on, tell and write what came of it, plan the next look."""
        member = self._members.get(run.node)
        if run.over or run.gone or member is None or member.stopped or self._runs.get(run.key) is not run:
            return
        now = self._loop.now()
        stopping.shorten(run, now)
        if run.state == "sandbox" and not run.address and not run.obj["spec"].get("hostNetwork"):
            run.address = member.pool.take()
        outcome = lifecycle.advance(run, member.present, self._view, now)
        self._note_blocked(run)
        for event in outcome.events:
            member.recorder.record(event)
        for span in outcome.ended:
            self._end_streams(span.id)
        if run.state == "stopped":
            self._release(run, member)
        self._write(run, member, now)
        if run.state == "stopped" and run.deleting and not run.gone:
            self._remove(run, member)
        if outcome.due is not None and not run.gone:
            self._plan(run, outcome.due)

    def _note_blocked(self, run: Run) -> None:
        if run.state == "unmounted" or any(c.state == "refused" for c in run.containers):
            self._blocked[run.key] = None
        else:
            self._blocked.pop(run.key, None)

    def _write(self, run: Run, member: Member, now: float) -> None:
        if _untold(run):
            return
        wanted = status.render(run, member.address, now)
        present = run.obj.get("status")
        if wanted == run.written and (present is run.stored or present == run.stored):
            return
        if wanted == present:
            run.written, run.stored = wanted, present
            return
        self.writes += 1
        ticket = member.api.submit(Update({**run.obj, "status": wanted}, "pods", "status"))
        if ticket.done:
            self._written(run, wanted, ticket)
        else:
            ticket.on_done(lambda t: self._written_later(run, wanted, t))

    def _written_later(self, run: Run, wanted: Obj, ticket: Ticket[Obj]) -> None:
        self._loop.soon(lambda: self._written(run, wanted, ticket))

    def _written(self, run: Run, wanted: Obj, ticket: Ticket[Obj]) -> None:
        error = ticket.error
        if error is None:
            answer = ticket.result()
            if newer(answer, run.obj):
                run.obj = answer
            run.stored, run.refusals = answer.get("status"), 0
            run.written = run.stored if run.stored == wanted else wanted
        elif isinstance(error, NotFound):
            self.forget(run)
        else:
            self._try_again(run, error)

    def _try_again(self, run: Run, error: Exception) -> None:
        """Look at the pod again a little later, and later each time."""
        if not isinstance(error, ApiError):
            raise error
        self._loop.after(min(RETRY * 2.0 ** min(run.refusals, 20), MOST_RETRY), lambda: self._sync(run))
        run.refusals += 1

    def _remove(self, run: Run, member: Member) -> None:
        """Tell the API server that nothing of the pod is left on the node."""
        namespace, name = run.key
        ticket = member.api.submit(Delete("pods", name, namespace, grace=0, uid=run.uid))
        error = ticket.error if ticket.done else None
        if error is None or isinstance(error, NotFound):
            run.gone = True
        else:
            self._try_again(run, error)

    def _release(self, run: Run, member: Member) -> None:
        if run.address and not run.over:
            member.pool.give_back(run.address)

    def _end_streams(self, ident: str) -> None:
        for stream in self._streams.pop(ident, ()):
            stream.end()


def newer(new: Obj, known: Obj) -> bool:
    """Whether `new` is a later version of the object."""
    return int(new["metadata"].get("resourceVersion") or 0) > int(known["metadata"].get("resourceVersion") or 0)


def _untold(run: Run) -> bool:
    """Whether the pod's status is not worth a write: containers on their way to a first start, or a pod that goes unstarted."""
    if any(c.run is not None or c.reason for c in run.containers):
        return run.state == "stopping" and run.deleting
    return run.written is not None if run.state in ("mounting", "sandbox", "live") else run.deleting

"""The patch that `kubectl apply` sends: what the configuration changes, and what it no longer says. Pure.

As in apimachinery/pkg/util/strategicpatch and jsonmergepatch: additions and changes come from comparing the live object with
the configuration, deletions from comparing the configuration with the one applied last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from k8s_notebook.objects import Obj, masking
from k8s_notebook.objects.schema import Node

LAST_APPLIED = masking.LAST_APPLIED


def annotated(config: Obj) -> Obj:
    """The configuration with itself in the annotation that the next apply compares with."""
    metadata = config.get("metadata") or {}
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED}
    bare = {**config, "metadata": {**metadata, "annotations": annotations}}
    return {**bare, "metadata": {**metadata, "annotations": {**annotations, LAST_APPLIED: encoded(bare)}}}


def encoded(obj: Obj) -> str:
    """The object as Go's JSON encoder writes it: sorted keys, no spaces, `<`, `>` and `&` escaped, a line end."""
    text = json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text + "\n"


def last_applied(live: Obj) -> Obj:
    """The configuration that was applied last; {} if this object was not made by `apply`."""
    text = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def patch(original: Obj, modified: Obj, live: Obj, node: Node | None) -> Obj:
    """The patch from `live` to `modified`; {} if nothing changes. With `node` a strategic one, else a JSON merge patch."""
    return _map(original, modified, live, node)


def _map(
    original: Mapping[str, Any], modified: Mapping[str, Any], live: Mapping[str, Any], node: Node | None, *, retain: bool = False
) -> Obj:
    """The patch of a map; with `retain` (or where the schema says so) it names the keys that stay."""
    found: Obj = {}
    for key, wanted in modified.items():
        child = node.field(key) if node is not None else None
        if wanted is None:
            if live.get(key) is not None:
                found[key] = None
            continue
        found.update(_value(key, original.get(key), wanted, live.get(key), child))
    for key in original:
        if key not in modified and live.get(key) is not None:
            found[key] = None
    if found and node is not None and (retain or "retainKeys" in node.patch_strategy):
        found["$retainKeys"] = sorted(k for k, v in modified.items() if v is not None)
    return found


def _value(key: str, original: Any, wanted: Any, live: Any, node: Node | None) -> Obj:
    if isinstance(wanted, dict) and isinstance(live, dict):
        changed = _map(original if isinstance(original, dict) else {}, wanted, live, node)
        return {key: changed} if changed else {}
    if isinstance(wanted, list) and isinstance(live, list) and node is not None and "merge" in node.patch_strategy:
        before = original if isinstance(original, list) else []
        return _keyed(key, before, wanted, live, node) if node.merge_key else _scalars(key, before, wanted, live)
    return {} if _same(wanted, live) else {key: wanted}


def _same(wanted: Any, live: Any) -> bool:
    """Whether both are the same JSON: 1 and 1.0 are, 1 and true are not."""
    if isinstance(wanted, bool) is not isinstance(live, bool):
        return False
    if isinstance(wanted, dict) and isinstance(live, dict):
        return wanted.keys() == live.keys() and all(_same(v, live[k]) for k, v in wanted.items())
    if isinstance(wanted, list) and isinstance(live, list):
        return len(wanted) == len(live) and all(map(_same, wanted, live))
    return bool(wanted == live)


def _keyed(key: str, original: Sequence[Obj], wanted: Sequence[Obj], live: Sequence[Obj], node: Node) -> Obj:
    """A list of objects that are told apart by their merge key."""
    name, items = node.merge_key, node.items
    there = {i.get(name): i for i in live}
    before = {i.get(name): i for i in original if isinstance(i, dict)}
    changes: list[Obj] = []
    for item in wanted:
        mine = there.get(item.get(name))
        if mine is None:
            changes.append(item)
            continue
        changed = _map(before.get(item.get(name)) or {}, item, mine, items, retain="retainKeys" in node.patch_strategy)
        if changed:
            changes.append({**changed, name: item[name]})
    kept = [i.get(name) for i in wanted]
    gone = [k for k in before if k not in kept and k in there]
    changes += [{"$patch": "delete", name: k} for k in gone]
    order = [i.get(name) for i in live if i.get(name) in kept]
    if not changes and order == [k for k in kept if k in there]:
        return {}
    return {f"$setElementOrder/{key}": [{name: k} for k in kept], **({key: changes} if changes else {})}


def _scalars(key: str, original: Sequence[Any], wanted: Sequence[Any], live: Sequence[Any]) -> Obj:
    """A list of scalars that is merged, such as finalizers."""
    added = [v for v in wanted if v not in live]
    gone = [v for v in original if v not in wanted and v in live]
    if not added and not gone:
        return {}
    found: Obj = {f"$setElementOrder/{key}": list(wanted)}
    if added:
        found[key] = added
    if gone:
        found[f"$deleteFromPrimitiveList/{key}"] = gone
    return found

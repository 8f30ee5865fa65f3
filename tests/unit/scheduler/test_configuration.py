"""KubeSchedulerConfiguration: what is accepted, how MultiPoint spreads out, what is refused and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_notebook.scheduler import configuration, plugins, profiles
from k8s_notebook.scheduler.args import Args, Fit
from k8s_notebook.scheduler.configuration import Configuration, Mistake, shape, tables

Json = Any


def config(*stanzas: Json, **fields: Json) -> Json:
    """A configuration with these profiles."""
    head = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration", **fields}
    return {**head, "profiles": list(stanzas)} if stanzas else head


def load(*stanzas: Json, **fields: Json) -> Configuration:
    return configuration.load(config(*stanzas, **fields))


def on(*names: str, **weights: int) -> Json:
    return {"enabled": [*({"name": n} for n in names), *({"name": n, "weight": w} for n, w in weights.items())]}


def off(*names: str) -> Json:
    return {"disabled": [{"name": n} for n in names]}


def with_args(plugin: str, **args: Json) -> Json:
    return {"pluginConfig": [{"name": plugin, "args": args}]}


def test_an_empty_file_is_the_default_profile() -> None:
    found = load()
    assert found.profile == profiles.DEFAULT
    assert list(found.profiles) == ["default-scheduler"]
    assert (found.parallelism, found.percentage, found.backoff) == (16, 0, configuration.Backoff(1, 10))
    assert found.leader_election == configuration.LeaderElection(True, 15.0, 10.0, 2.0, "kube-scheduler", "kube-system")
    assert found.client_connection.qps == 50.0
    assert found.remarks == ()


def test_the_default_points() -> None:
    points = load().points["default-scheduler"]
    assert [n for n, _ in points["preEnqueue"]] == ["SchedulingGates", "DynamicResources", "DefaultPreemption"]
    assert [n for n, _ in points["postFilter"]] == ["DynamicResources", "DefaultPreemption"]
    assert points["score"] == (
        ("TaintToleration", 3), ("NodeAffinity", 2), ("NodeResourcesFit", 1), ("VolumeBinding", 1), ("PodTopologySpread", 2),
        ("InterPodAffinity", 2), ("DynamicResources", 2), ("NodeResourcesBalancedAllocation", 1), ("ImageLocality", 1),
    )  # fmt: skip
    assert [n for n, _ in points["filter"]][-1] == "NodeDeclaredFeatures"


def test_every_plugin_of_the_registry_is_known() -> None:
    assert set(plugins.REGISTRY) <= set(tables.PLUGINS)
    assert [n for n in tables.PLUGINS if n in plugins.REGISTRY] == list(plugins.REGISTRY)


SCORES = [
    ("a weight is replaced in place", {"multiPoint": on(NodeAffinity=9)}, [("TaintToleration", 3), ("NodeAffinity", 9)]),
    ("its own list goes first", {"score": on(ImageLocality=4)}, [("ImageLocality", 4), ("TaintToleration", 3)]),
    ("its order counts", {"score": on("ImageLocality", "NodeAffinity")}, [("ImageLocality", 1), ("NodeAffinity", 1), ("TaintToleration", 3)]),
    ("off at one point", {"score": off("TaintToleration")}, [("NodeAffinity", 2), ("NodeResourcesFit", 1)]),
    ("off everywhere", {"multiPoint": off("TaintToleration")}, [("NodeAffinity", 2), ("NodeResourcesFit", 1)]),
    ("off and on again", {"multiPoint": {**off("TaintToleration"), **on(TaintToleration=5)}}, [("NodeAffinity", 2)]),
    ("all off but one", {"score": {**off("*"), **on(NodeResourcesFit=3)}}, [("NodeResourcesFit", 3)]),
    ("a weight of 0 is 1", {"score": on(NodeAffinity=0)}, [("NodeAffinity", 1), ("TaintToleration", 3)]),
    ("its own list beats multiPoint", {"multiPoint": on(NodeAffinity=9), "score": on(NodeAffinity=7)}, [("NodeAffinity", 7)]),
    ("on where multiPoint is off", {"multiPoint": off("NodeAffinity"), "score": on(NodeAffinity=7)}, [("TaintToleration", 3), ("NodeResourcesFit", 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("stated", "first"), [c[1:] for c in SCORES], ids=[c[0] for c in SCORES])
def test_how_scores_are_chosen(stated: Json, first: list[tuple[str, int]]) -> None:
    found = load({"plugins": stated})
    assert list(found.points["default-scheduler"]["score"])[: len(first)] == first
    rows = [(p.name, w) for p, w in zip(found.profile.scores, found.profile.weights, strict=True)]
    assert rows == [(n, w) for n, w in found.points["default-scheduler"]["score"] if n in dict(rows)]


def test_a_plugin_on_again_goes_last() -> None:
    stated = {"multiPoint": {**off("TaintToleration"), **on(TaintToleration=5)}}
    assert load({"plugins": stated}).points["default-scheduler"]["score"][-1] == ("TaintToleration", 5)


def test_everything_replaced() -> None:
    stated = {"multiPoint": {**off("*"), **on("PrioritySort", "NodeName", "NodeResourcesFit", "DefaultBinder")}}
    found = load({"plugins": stated})
    assert [p.name for p in found.profile.filters] == ["NodeName", "NodeResourcesFit"]
    assert [p.name for p in found.profile.scores] == ["NodeResourcesFit"]
    assert (found.profile.preempts, found.profile.claims) == (False, False)


def test_preemption_and_claims_follow_post_filter() -> None:
    found = load({"plugins": {"postFilter": off("DefaultPreemption")}}).profile
    assert (found.preempts, found.claims) == (False, True)
    found = load({"plugins": {"multiPoint": off("DynamicResources")}}).profile
    assert (found.preempts, found.claims) == (True, False)


def test_a_profiles_percentage_comes_first() -> None:
    found = load({"schedulerName": "a", "percentageOfNodesToScore": 0}, {"schedulerName": "b"}, percentageOfNodesToScore=30)
    assert [p.percentage for p in found.profiles.values()] == [0, 30]
    with pytest.raises(Mistake, match="several profiles"):
        _ = found.profile


PRODUCTION = config(
    {
        "schedulerName": "default-scheduler",
        "percentageOfNodesToScore": 50,
        "plugins": {
            "multiPoint": {**off("ImageLocality", "EBSLimits"), **on(NodeAffinity=4)},
            "score": {**on(NodeResourcesFit=10), **off("NodeResourcesBalancedAllocation")},
            "postFilter": off("DefaultPreemption"),
        },
        "pluginConfig": [
            {
                "name": "NodeResourcesFit",
                "args": {
                    "apiVersion": "kubescheduler.config.k8s.io/v1",
                    "kind": "NodeResourcesFitArgs",
                    "ignoredResources": ["example.com/foo"],
                    "ignoredResourceGroups": ["example.org"],
                    "scoringStrategy": {
                        "type": "RequestedToCapacityRatio",
                        "resources": [{"name": "nvidia.com/gpu", "weight": 5}, {"name": "cpu"}],
                        "requestedToCapacityRatio": {
                            "shape": [{"utilization": 0, "score": 0}, {"utilization": 100, "score": 10}],
                        },
                    },
                },
            },
            {"name": "NodeResourcesBalancedAllocation", "args": {"resources": [{"name": "cpu"}, {"name": "nvidia.com/gpu", "weight": 1}]}},
            {
                "name": "PodTopologySpread",
                "args": {
                    "defaultingType": "List",
                    "defaultConstraints": [
                        {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
                    ],
                },
            },
            {"name": "InterPodAffinity", "args": {"hardPodAffinityWeight": 40, "ignorePreferredTermsOfExistingPods": True}},
            {
                "name": "NodeAffinity",
                "args": {
                    "addedAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [{"matchExpressions": [{"key": "pool", "operator": "In", "values": ["batch"]}]}]
                        }
                    }
                },
            },
            {"name": "DefaultPreemption", "args": {"minCandidateNodesPercentage": 5, "minCandidateNodesAbsolute": 50}},
            {"name": "VolumeBinding", "args": {"bindTimeoutSeconds": 60}},
            {"name": "DynamicResources", "args": {"filterTimeout": "5s", "bindingTimeout": "2m"}},
        ],
    },
    {"schedulerName": "second"},
    parallelism=8,
    percentageOfNodesToScore=20,
    podInitialBackoffSeconds=2,
    podMaxBackoffSeconds=30,
    enableProfiling=False,
    delayCacheUntilActive=True,
    leaderElection={"leaderElect": True, "leaseDuration": "1m", "renewDeadline": "40s", "resourceName": "mine"},
    clientConnection={"kubeconfig": "/etc/kubernetes/scheduler.conf", "qps": 100, "burst": 200},
)  # fmt: skip


def test_a_file_from_production() -> None:
    found = configuration.load(PRODUCTION)
    profile = found.profiles["default-scheduler"]
    zone = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
    affinity = PRODUCTION["profiles"][0]["pluginConfig"][4]["args"]["addedAffinity"]
    assert profile.args == Args(
        fit=Fit(
            "RequestedToCapacityRatio", (("nvidia.com/gpu", 5), ("cpu", 1)), ((0, 0), (100, 10)),
            frozenset(("example.com/foo",)), frozenset(("example.org",)),
        ),
        balanced=(("cpu", 1), ("nvidia.com/gpu", 1)), hard_pod_affinity_weight=40, ignore_preferred_terms_of_existing_pods=True,
        default_constraints=(zone,), added_affinity=affinity, min_candidates_percentage=5, min_candidates=50, bind_timeout=60,
    )  # fmt: skip
    assert found.points["default-scheduler"]["score"][:3] == (
        ("NodeResourcesFit", 10),
        ("TaintToleration", 3),
        ("NodeAffinity", 4),
    )
    assert {"ImageLocality", "NodeResourcesBalancedAllocation"}.isdisjoint(p.name for p in profile.scores)
    assert (profile.percentage, profile.preempts) == (50, False)
    assert (found.profiles["second"].args, found.profiles["second"].percentage) == (Args(), 20)
    assert found.backoff == configuration.Backoff(2, 30)
    election = found.leader_election
    assert (election.lease_duration, election.renew_deadline, election.resource_name) == (60.0, 40.0, "mine")
    assert found.client_connection.kubeconfig == "/etc/kubernetes/scheduler.conf"
    assert found.remarks == (
        "profiles[0].plugins.multiPoint.disabled[1].name: EBSLimits is not there in Kubernetes 1.36, so that disabling it changes nothing.",
    )


RATIO = {"type": "RequestedToCapacityRatio"}
FIT = "profiles[0].pluginConfig[0].args.scoringStrategy"


def strategy(**fields: Json) -> Json:
    return config(with_args("NodeResourcesFit", scoringStrategy=fields))


def spread(**args: Json) -> Json:
    return config(with_args("PodTopologySpread", **args))


MISTAKES = [
    ("no kind", {"apiVersion": "v1"}, 'kind: must be "KubeSchedulerConfiguration"'),
    ("another kind", {"kind": "Pod"}, 'kind: must be "KubeSchedulerConfiguration", not "Pod"'),
    ("a policy", {"kind": "Policy"}, "kind: a Policy has not been read since Kubernetes 1.23; write a KubeSchedulerConfiguration"),
    ("a config map", {"kind": "ConfigMap"}, "kind: this is a ConfigMap; hand over the text that stands under its data"),
    ("no version", {"kind": tables.KIND}, 'apiVersion: is missing; write apiVersion: "kubescheduler.config.k8s.io/v1"'),
    ("an old version", config(apiVersion="kubescheduler.config.k8s.io/v1beta3"),
     'apiVersion: "kubescheduler.config.k8s.io/v1beta3" is not read by Kubernetes 1.36; write "kubescheduler.config.k8s.io/v1"'),
    ("another group", config(apiVersion="v1"), 'apiVersion: must be "kubescheduler.config.k8s.io/v1", not "v1"'),
    ("an unknown field", config(paralelism=1), 'paralelism: unknown field; did you mean "parallelism"?'),
    ("an unknown inner field", config({"plugins": {"scores": {}}}), 'profiles[0].plugins.scores: unknown field; did you mean "score"?'),
    ("a field like no other", config({"plugins": {"filter": {"xyz": []}}}),
     "profiles[0].plugins.filter.xyz: unknown field; the fields here are disabled, enabled"),
    ("a text for a number", config(parallelism="16"), 'parallelism: must be a whole number, not "16"'),
    ("a fraction", config(parallelism=1.5), "parallelism: must be a whole number, not 1.5"),
    ("a number too large", config(parallelism=2**31), "parallelism: must be a whole number, not 2147483648"),
    ("a map for a list", config(profiles={}), "profiles: must be a list, not {}"),
    ("a list for a map", config({"plugins": []}), "profiles[0].plugins: must be a map with fields, not []"),
    ("a text for a truth", config(leaderElection={"leaderElect": "yes"}), 'leaderElection.leaderElect: must be true or false, not "yes"'),
    ("a number for a duration", config(leaderElection={"leaseDuration": 15}),
     'leaderElection.leaseDuration: must be a duration such as "15s", not 15'),
    ("no parallelism", config(parallelism=0), "parallelism: Invalid value: 0: should be an integer value greater than zero"),
    ("too many per cent", config(percentageOfNodesToScore=101), "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]"),
    ("too many per cent in a profile", config({"percentageOfNodesToScore": -1}),
     "profiles[0].percentageOfNodesToScore: Invalid value: -1: not in valid range [0-100]"),
    ("no back-off", config(podInitialBackoffSeconds=0), "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0"),
    ("a back-off that shrinks", config(podInitialBackoffSeconds=20),
     "podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to podInitialBackoffSeconds (20)"),
    ("an endless renewal", config(leaderElection={"renewDeadline": "20s"}),
     "leaderElection.leaseDuration: must be greater than renewDeadline"),
    ("a lock of old", config(leaderElection={"resourceLock": "endpoints"}),
     'leaderElection.resourceLock: Invalid value: "endpoints": resourceLock value must be "leases"'),
    ("a negative burst", config(clientConnection={"burst": -1}), "clientConnection.burst: Invalid value: -1: must be non-negative"),
    ("extenders", config(extenders=[{"urlPrefix": "http://x"}]), "extenders[0]: HTTP extenders are not asked by this scheduler; remove them, "
     "or write what they do as a policy of your own (@kn.scheduler.filter, @kn.scheduler.score)"),
    ("profiles without names", config({}, {}), "profiles[0].schedulerName: Required value: every profile needs a name of its own"),
    ("profiles with one name", config({"schedulerName": "a"}, {"schedulerName": "a"}),
     'profiles[1].schedulerName: Duplicate value: "a": every profile needs a name of its own'),
    ("two queues", config({"schedulerName": "a"}, {"schedulerName": "b", "plugins": {"queueSort": on("PrioritySort")}}),
     "profiles[1].plugins.queueSort: must be the same for all profiles, since they share one queue"),
    ("a misspelled plugin", config({"plugins": {"score": on("NodeResourceFit")}}),
     'profiles[0].plugins.score.enabled[0].name: there is no plugin "NodeResourceFit"; did you mean "NodeResourcesFit"?'),
    ("a misspelled plugin to disable", config({"plugins": {"score": off("ImageLocalty")}}),
     'profiles[0].plugins.score.disabled[0].name: there is no plugin "ImageLocalty"; did you mean "ImageLocality"?'),
    ("a plugin of others", config({"plugins": {"multiPoint": on("Coscheduling")}}),
     'profiles[0].plugins.multiPoint.enabled[0].name: there is no plugin "Coscheduling"; kube-scheduler 1.36 itself has none of this '
     "name, and one of your own is written with @kn.scheduler.score or .filter"),
    ("a removed plugin", config({"plugins": {"filter": on("EBSLimits")}}), 'profiles[0].plugins.filter.enabled[0].name: plugin "EBSLimits" '
     "was removed from Kubernetes; NodeVolumeLimits counts the volumes of every driver"),
    ("an alpha plugin", config({"plugins": {"permit": on("GangScheduling")}}), 'profiles[0].plugins.permit.enabled[0].name: plugin '
     '"GangScheduling" belongs to an alpha feature that this scheduler does not have; remove it'),
    ("everything on", config({"plugins": {"score": on("*")}}),
     'profiles[0].plugins.score.enabled[0].name: "*" only disables; name the plugins to enable'),
    ("a plugin at the wrong point", config({"plugins": {"score": on("NodeName")}}),
     'profiles[0].plugins.score.enabled[0].name: plugin "NodeName" has nothing to do at score: it works at filter'),
    ("a plugin twice", config({"plugins": {"score": on("ImageLocality", "NodeAffinity", "ImageLocality")}}),
     'profiles[0].plugins.score.enabled[2].name: plugin "ImageLocality" is enabled twice'),
    ("a plugin twice in multiPoint", config({"plugins": {"multiPoint": {**off("NodeName"), **on("NodeName", "NodeName")}}}),
     'profiles[0].plugins.multiPoint: plugin "NodeName" is enabled twice'),
    ("a negative weight", config({"plugins": {"score": on(ImageLocality=-1)}}),
     "profiles[0].plugins.score: total score of Score plugins could overflow; write weights from 1 on"),
    ("no queue", config({"plugins": {"multiPoint": off("PrioritySort")}}),
     "profiles[0].plugins.queueSort: exactly one plugin must sort the queue, not 0; enable PrioritySort"),
    ("no binding", config({"plugins": {"bind": off("*")}}), "profiles[0].plugins.bind: at least one plugin must bind pods; enable DefaultBinder"),
    ("half a filter", config({"plugins": {"preFilter": off("NodePorts")}}), "profiles[0].plugins.preFilter: NodePorts is on at filter but not at "
     "preFilter, so it would fail for every pod; disable it at both"),
    ("arguments of nobody", config(with_args("NodeResourceFit")),
     'profiles[0].pluginConfig[0].name: there is no plugin "NodeResourceFit"; did you mean "NodeResourcesFit"?'),
    ("arguments where there are none", config(with_args("NodeName", a=1)),
     "profiles[0].pluginConfig[0].args: NodeName takes no arguments; remove them"),
    ("arguments twice", config({"pluginConfig": [{"name": "InterPodAffinity"}] * 2}),
     'profiles[0].pluginConfig[1]: Duplicate value: "InterPodAffinity": write its arguments in one place'),
    ("arguments of another plugin", config(with_args("InterPodAffinity", kind="NodeAffinityArgs")),
     'profiles[0].pluginConfig[0].args.kind: the arguments of InterPodAffinity are of kind "InterPodAffinityArgs", not "NodeAffinityArgs"'),
    ("an unknown argument", config(with_args("InterPodAffinity", hardPodAffinity=1)),
     'profiles[0].pluginConfig[0].args.hardPodAffinity: unknown field; did you mean "hardPodAffinityWeight"?'),
    ("a weight of pod affinity", config(with_args("InterPodAffinity", hardPodAffinityWeight=101)),
     "profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]"),
    ("an unknown strategy", strategy(type="Least"), f'{FIT}.type: Unsupported value: "Least": supported values: "LeastAllocated", '
     '"MostAllocated", "RequestedToCapacityRatio"'),
    ("a strategy without a type", strategy(resources=[]), f'{FIT}.type: Unsupported value: "": supported values: "LeastAllocated", '
     '"MostAllocated", "RequestedToCapacityRatio"'),
    ("a resource's weight", strategy(type="MostAllocated", resources=[{"name": "cpu", "weight": 101}]),
     f"{FIT}.resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100]"),
    ("a ratio without a shape", strategy(**RATIO),
     f"{FIT}.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio"),
    ("an empty shape", strategy(**RATIO, requestedToCapacityRatio={"shape": []}),
     f"{FIT}.requestedToCapacityRatio.shape: Required value: at least one point must be specified"),
    ("a shape that goes back", strategy(**RATIO, requestedToCapacityRatio={"shape": [{"utilization": 5}, {"utilization": 5}]}),
     f"{FIT}.requestedToCapacityRatio.shape[1].utilization: Invalid value: 5: values must be sorted in increasing order"),
    ("a score of a shape", strategy(**RATIO, requestedToCapacityRatio={"shape": [{"score": 11}]}),
     f"{FIT}.requestedToCapacityRatio.shape[0].score: Invalid value: 11: not in valid range [0, 10]"),
    ("a shape for nothing", strategy(type="LeastAllocated", requestedToCapacityRatio={}),
     f"{FIT}.requestedToCapacityRatio: Forbidden: must be nil when type is not RequestedToCapacityRatio"),
    ("a group with a slash", config(with_args("NodeResourcesFit", ignoredResourceGroups=["a/b"])),
     "profiles[0].pluginConfig[0].args.ignoredResourceGroups[0]: Invalid value: \"a/b\": resource group name can't contain '/'"),
    ("a resource twice", config(with_args("NodeResourcesBalancedAllocation", resources=[{"name": "cpu"}, {"name": "cpu"}])),
     'profiles[0].pluginConfig[0].args.resources[1].name: Duplicate value: "cpu"'),
    ("a weight in the balance", config(with_args("NodeResourcesBalancedAllocation", resources=[{"name": "cpu", "weight": 2}])),
     "profiles[0].pluginConfig[0].args.resources[0].weight: Invalid value: 2: must be 1"),
    ("constraints beside the built-in ones", spread(defaultConstraints=[{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]),
     'profiles[0].pluginConfig[0].args.defaultingType: Invalid value: "System": when .defaultConstraints are not empty; write '
     'defaultingType: "List"'),
    ("a constraint without a key", spread(defaultingType="List", defaultConstraints=[{"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}]),
     "profiles[0].pluginConfig[0].args.defaultConstraints[0].topologyKey: Required value: can not be empty"),
    ("an unknown field of a constraint", spread(defaultingType="List", defaultConstraints=[{"skew": 1}]),
     "profiles[0].pluginConfig[0].args.defaultConstraints[0].skew: unknown field"),
    ("no candidates", config(with_args("DefaultPreemption", minCandidateNodesPercentage=0, minCandidateNodesAbsolute=0)),
     "profiles[0].pluginConfig[0].args.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as "
     "minCandidateNodesAbsolute"),
    ("an operator", config(with_args("NodeAffinity", addedAffinity={"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Within"}]}]}})),
     "profiles[0].pluginConfig[0].args.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
     '.matchExpressions[0].operator: Invalid value: "Within": not a valid selector operator'),
    ("a time to bind", config(with_args("VolumeBinding", bindTimeoutSeconds=-1)),
     "profiles[0].pluginConfig[0].args.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value"),
    ("a shape of volumes", config(with_args("VolumeBinding", shape=[])),
     "profiles[0].pluginConfig[0].args.shape: Invalid value: []: needs the alpha feature StorageCapacityScoring, which is off; remove it"),
    ("a time to bind claims", config(with_args("DynamicResources", bindingTimeout="10ms")),
     "profiles[0].pluginConfig[0].args.bindingTimeout: Invalid value: 0.01: must be at least 1 second"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "said"), [c[1:] for c in MISTAKES], ids=[c[0] for c in MISTAKES])
def test_one_sentence_for_every_mistake(source: Json, said: str) -> None:
    with pytest.raises(Mistake) as raised:
        configuration.load(source)
    assert str(raised.value) == said


def test_a_mistake_says_where() -> None:
    with pytest.raises(Mistake) as raised:
        configuration.load(config(parallelism=0), where=lambda path: f"line 3, column 1 of {path}")
    assert str(raised.value).endswith("greater than zero (line 3, column 1 of parallelism)")


def test_null_is_absent() -> None:
    assert load({"plugins": None, "pluginConfig": None, "percentageOfNodesToScore": None}, extenders=None) is not None


def test_what_has_no_effect_is_said() -> None:
    stated = {"preEnqueue": off("SchedulingGates"), "filter": off("NodeAffinity"), "postFilter": on("DefaultPreemption")}
    found = [remark.split(":")[0] for remark in load({"plugins": stated}).remarks]
    assert found == [f"profiles[0].plugins.{point}" for point in ("preEnqueue", "postFilter", "filter")]


DURATIONS = [("15s", 15.0), ("1m30s", 90.0), ("1.5h", 5400.0), ("250ms", 0.25), ("-2s", -2.0), ("0", 0.0), ("1us", 1e-6)]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS)
def test_durations(text: str, seconds: float) -> None:
    assert shape.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "s", "1 s", "1d", "1h 2m"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        shape.seconds(text)

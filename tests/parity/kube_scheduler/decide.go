package main

import (
	"errors"
	"fmt"
	"sort"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

const attempts = 5 // at the most, for one pod whose preemptions are applied

// refusal is why a node will not do.
type refusal struct {
	Code    string   `json:"code"`
	Plugin  string   `json:"plugin,omitempty"`
	Reasons []string `json:"reasons,omitempty"`
}

// candidate is a node on which preemption would help.
type candidate struct {
	Node       string   `json:"node"`
	Victims    []string `json:"victims"`
	Violations int      `json:"violations"`
}

// answer is one attempt to decide one pod.
type answer struct {
	Pod        string             `json:"pod"`
	Attempt    int                `json:"attempt"`
	Node       string             `json:"node"`
	Gated      string             `json:"gated,omitempty"`
	Error      string             `json:"error,omitempty"`
	Prefilter  string             `json:"prefilter,omitempty"`
	Nodes      map[string]refusal `json:"nodes,omitempty"`
	Absent     *refusal           `json:"absent,omitempty"`
	Subset     []string           `json:"subset,omitempty"`
	Feasible   []string           `json:"feasible,omitempty"`
	Evaluated  int                `json:"evaluated,omitempty"`
	Scores     map[string][]int64 `json:"scores,omitempty"`
	Raw        map[string][]int64 `json:"raw,omitempty"`
	Normalised map[string][]int64 `json:"normalised,omitempty"`
	Totals     []int64            `json:"totals,omitempty"`
	Message    string             `json:"message,omitempty"`
	Rejectors  []string           `json:"rejectors,omitempty"`
	Nominated  string             `json:"nominated,omitempty"`
	Victims    []string           `json:"victims,omitempty"`
	Candidates []candidate        `json:"candidates,omitempty"`
	Tied       []string           `json:"tied,omitempty"`
	Tries      map[string]refusal `json:"tries,omitempty"`
	Start      int                `json:"start"`
	Writes     []runtime.Object   `json:"writes,omitempty"`

	victims []*v1.Pod
}

// decide answers a request for decisions: one answer for each attempt.
func decide(req *request) ([]answer, error) {
	all, err := load(req)
	if err != nil {
		return nil, err
	}
	e, err := newEngine(req, all, 1, 100)
	if err != nil {
		return nil, err
	}
	defer e.close()
	var answers []answer
	for _, pod := range all.pending {
		complete(pod, e.profile)
		for attempt := 1; attempt <= attempts; attempt++ {
			e.writes = nil
			given, err := e.attempt(pod, req)
			if err != nil {
				return answers, fmt.Errorf("%s: %w", podName(pod), err)
			}
			given.Attempt, given.Writes = attempt, e.writes
			answers = append(answers, *given)
			if req.Preempt != "apply" || given.Nominated == "" || len(given.victims) == 0 {
				break
			}
		}
	}
	return answers, nil
}

// attempt decides a pod once and does what follows from that.
func (e *engine) attempt(pod *v1.Pod, req *request) (*answer, error) {
	given := &answer{Pod: podName(pod)}
	profile := e.spies[pod.Spec.SchedulerName]
	if profile == nil {
		return nil, fmt.Errorf("no profile has the name %q", pod.Spec.SchedulerName)
	}
	info, err := e.next(pod)
	if err != nil {
		return nil, err
	}
	if info == nil {
		given.Gated = e.gate(profile, pod)
		return given, nil
	}
	if info.Pod.DeletionTimestamp != nil {
		given.Message = "skip schedule deleting pod: " + given.Pod
		e.sched.SchedulingQueue.Done(info.Pod.UID)
		return given, nil
	}
	profile.brief = req.Brief
	state := cycleState()
	if err := e.sched.Cache.UpdateSnapshot(e.logger, e.snapshot); err != nil {
		return nil, err
	}
	result, err := e.sched.SchedulePod(e.ctx, profile, state, info)
	given.Start, given.Subset = private[int](e.sched, "nextStartNodeIndex"), profile.subset
	if err != nil {
		e.refused(given, profile, state, info, err, req.Preempt)
		return given, nil
	}
	given.Node, given.Evaluated = result.SuggestedHost, result.EvaluatedNodes
	given.Feasible, given.Nodes = profile.passed[:result.FeasibleNodes], profile.refused
	given.scored(profile)
	if status := e.bind(profile, state, info, given.Node); !status.IsSuccess() {
		given.Error = status.Message()
		e.sched.FailureHandler(e.ctx, profile, info, status, nil, time.Now())
	}
	return given, nil
}

// gate says what keeps a pod from being decided at all.
func (e *engine) gate(profile *spy, pod *v1.Pod) string {
	for _, plugin := range profile.PreEnqueuePlugins() {
		if status := plugin.PreEnqueue(e.ctx, pod); !status.IsSuccess() {
			return status.Message()
		}
	}
	return "not in the queue"
}

// scored takes over what the score plugins said, in the order of the feasible nodes.
func (a *answer) scored(profile *spy) {
	if len(profile.scored) == 0 {
		return
	}
	a.Feasible, a.Raw = profile.scored, profile.raw
	a.Scores, a.Normalised = map[string][]int64{}, map[string][]int64{}
	for _, node := range profile.scores {
		a.Totals = append(a.Totals, node.TotalScore)
		for _, score := range node.Scores {
			a.Scores[score.Name] = append(a.Scores[score.Name], score.Score)
			a.Normalised[score.Name] = append(a.Normalised[score.Name], score.Score/int64(max(1, profile.weights[score.Name])))
		}
	}
}

// refused follows a decision that found no node: preemption, the message, and what the scheduler then does with the pod.
func (e *engine) refused(
	given *answer, profile *spy, state fwk.CycleState, info *framework.QueuedPodInfo, err error, preempt string,
) {
	var fit *framework.FitError
	nominating := &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride}
	status := fwk.NewStatus(fwk.Unschedulable).WithError(err)
	switch {
	case errors.As(err, &fit):
		given.diagnosed(&fit.Diagnosis)
		nominating = e.afterwards(given, profile, state, info, &fit.Diagnosis)
	case errors.Is(err, scheduler.ErrNoNodesAvailable):
		status = fwk.NewStatus(fwk.UnschedulableAndUnresolvable).WithError(err)
	default:
		status, given.Error = fwk.AsStatus(err), err.Error()
	}
	given.Message = err.Error()
	e.sched.FailureHandler(e.ctx, profile, info, status, nominating, time.Now())
	e.end(given.victims, preempt)
}

// diagnosed takes over why no node will do.
func (a *answer) diagnosed(diagnosis *framework.Diagnosis) {
	a.Prefilter = diagnosis.PreFilterMsg
	a.Rejectors = sets.List(diagnosis.UnschedulablePlugins.Union(diagnosis.PendingPlugins))
	a.Nodes, a.Evaluated = map[string]refusal{}, diagnosis.NodeToStatus.Len()
	diagnosis.NodeToStatus.ForEachExplicitNode(func(node string, status *fwk.Status) { a.Nodes[node] = refusalOf(status) })
	absent := refusalOf(diagnosis.NodeToStatus.AbsentNodesStatus())
	a.Absent = &absent
}

func refusalOf(status *fwk.Status) refusal {
	return refusal{Code: status.Code().String(), Plugin: status.Plugin(), Reasons: status.Reasons()}
}

// afterwards runs the PostFilter plugins, as the scheduler does when no node will do.
func (e *engine) afterwards(
	given *answer, profile *spy, state fwk.CycleState, info *framework.QueuedPodInfo, diagnosis *framework.Diagnosis,
) *fwk.NominatingInfo {
	if !profile.HasPostFilterPlugins() {
		return &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride}
	}
	order := e.order()
	if profile.preemptor != nil {
		profile.preemptor.begin(order)
	}
	result, status := profile.RunPostFilterPlugins(e.ctx, state, info.Pod, reader{diagnosis.NodeToStatus, order})
	diagnosis.PostFilterMsg = status.Message()
	if result == nil {
		return nil
	}
	if status.IsSuccess() && result.NominatingInfo != nil {
		given.Nominated = result.NominatedNodeName
	}
	if profile.preemptor != nil {
		profile.preemptor.settle(info.Pod)
		given.preempted(profile.preemptor)
	}
	return result.NominatingInfo
}

// preempted takes over what the dry runs found.
func (a *answer) preempted(found *preemptionSpy) {
	a.Tries, a.Tied = map[string]refusal{}, found.tied
	names := make([]string, 0, len(found.tries))
	for name := range found.tries {
		names = append(names, name)
	}
	for _, name := range sorted(names, found.order) {
		try := found.tries[name]
		if !try.status.IsSuccess() {
			a.Tries[name] = refusalOf(try.status)
			continue
		}
		made := candidate{Node: name, Violations: try.violations}
		for _, victim := range try.victims {
			made.Victims = append(made.Victims, podName(victim))
		}
		a.Candidates = append(a.Candidates, made)
		if name == a.Nominated {
			a.Victims, a.victims = made.Victims, try.victims
		}
	}
	switch {
	case a.Nominated == "" || found.anyTie:
	case len(a.Tied) == 0: // one candidate is not compared with any
		a.Tied = []string{a.Nominated}
	case a.Tied[0] != a.Nominated:
		a.Error = fmt.Sprintf("%s was nominated, but the best are %v", a.Nominated, a.Tied)
	}
}

// end makes an end of the victims, or marks them as about to end.
func (e *engine) end(victims []*v1.Pod, how string) {
	for _, victim := range victims {
		switch how {
		case "apply":
			e.stores.remove(victim)
		case "terminate":
			dying := e.stores.pod(victim.Namespace, victim.Name).DeepCopy()
			if dying.DeletionTimestamp == nil {
				now := metav1.Now()
				dying.DeletionTimestamp = &now
			}
			dying.Status.Conditions = append(dying.Status.Conditions, v1.PodCondition{
				Type: v1.DisruptionTarget, Status: v1.ConditionTrue, Reason: v1.PodReasonPreemptionByScheduler,
			})
			e.stores.put(dying)
		}
	}
}

// order gives each node's place in the snapshot.
func (e *engine) order() map[string]int {
	infos, _ := e.snapshot.NodeInfos().List()
	places := make(map[string]int, len(infos))
	for i, info := range infos {
		places[info.Node().Name] = i
	}
	return places
}

// sorted gives the names by their places.
func sorted(names []string, places map[string]int) []string {
	sort.Slice(names, func(i, j int) bool { return places[names[i]] < places[names[j]] })
	return names
}

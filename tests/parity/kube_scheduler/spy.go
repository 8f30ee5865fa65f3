package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding"
	"k8s.io/kubernetes/pkg/scheduler/framework/preemption"
)

// spy is a real profile that writes down what its plugins say while the scheduler uses it.
type spy struct {
	framework.Framework
	notes
	scorers   []fwk.ScorePlugin
	weights   map[string]int
	preemptor *preemptionSpy
}

// notes is what one decision leaves behind.
type notes struct {
	brief   bool
	subset  []string
	passed  []string
	refused map[string]refusal
	scored  []string
	scores  []fwk.NodePluginScores
	raw     map[string][]int64
}

// newSpy watches a profile, and its preemption plugin if it has one.
func newSpy(profile framework.Framework, ties string) *spy {
	s := &spy{
		Framework: profile,
		scorers:   private[[]fwk.ScorePlugin](profile, "scorePlugins"),
		weights:   private[map[string]int](profile, "scorePluginWeight"),
	}
	for _, plugin := range private[[]fwk.PostFilterPlugin](profile, "postFilterPlugins") {
		if found, ok := plugin.(*defaultpreemption.DefaultPreemption); ok {
			s.preemptor = &preemptionSpy{
				Interface: found.Evaluator.Interface,
				executor:  found.Executor,
				anyTie:    ties == "random" || len(profile.Extenders()) > 0, // extenders see all candidates
			}
			found.Evaluator.Interface = s.preemptor
			found.Executor.PreemptPod = s.preemptor.preempt
		}
	}
	return s
}

func (s *spy) RunPreFilterPlugins(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod,
) (*fwk.PreFilterResult, *fwk.Status, sets.Set[string]) {
	s.notes = notes{brief: s.brief, refused: map[string]refusal{}}
	result, status, plugins := s.Framework.RunPreFilterPlugins(ctx, state, pod)
	if !result.AllNodes() {
		s.subset = sets.List(result.NodeNames)
	}
	return result, status, plugins
}

func (s *spy) RunFilterPluginsWithNominatedPods(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo,
) *fwk.Status {
	status := s.Framework.RunFilterPluginsWithNominatedPods(ctx, state, pod, info)
	if status.IsSuccess() {
		s.passed = append(s.passed, info.Node().Name)
	} else if !s.brief {
		s.refused[info.Node().Name] = refusalOf(status)
	}
	return status
}

func (s *spy) RunScorePlugins(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo,
) ([]fwk.NodePluginScores, *fwk.Status) {
	scores, status := s.Framework.RunScorePlugins(ctx, state, pod, nodes)
	if s.brief || !status.IsSuccess() {
		return scores, status
	}
	for _, node := range nodes {
		s.scored = append(s.scored, node.Node().Name)
	}
	s.scores = append([]fwk.NodePluginScores{}, scores...)
	s.raw = map[string][]int64{}
	for _, plugin := range s.scorers {
		if state.GetSkipScorePlugins().Has(plugin.Name()) {
			continue
		}
		values := make([]int64, len(nodes))
		for i, node := range nodes {
			values[i], _ = plugin.Score(ctx, state, pod, node)
		}
		s.raw[plugin.Name()] = values
	}
	return scores, status
}

// write makes the API calls that precede binding: what becomes of claims and volumes. VolumeBinding would then wait for a controller
// that is not here, and is stopped from doing so.
func (s *spy) write(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	impatient, stop := context.WithCancel(ctx)
	stop()
	for _, plugin := range private[[]fwk.PreBindPlugin](s.Framework, "preBindPlugins") {
		if _, status := plugin.PreBindPreFlight(ctx, state, pod, node); !status.IsSuccess() {
			continue
		}
		if plugin.Name() == volumebinding.Name {
			plugin.PreBind(impatient, state, pod, node)
		} else if status := plugin.PreBind(ctx, state, pod, node); !status.IsSuccess() {
			return status
		}
	}
	return nil
}

// tried is the dry run on one node.
type tried struct {
	node       string
	victims    []*v1.Pod
	violations int
	status     *fwk.Status
}

// preemptionSpy is the real preemption that writes down its dry runs, and whose choices do not rest on chance.
type preemptionSpy struct {
	preemption.Interface
	executor *preemption.Executor
	anyTie   bool
	order    map[string]int
	lock     sync.Mutex
	tries    map[string]tried
	tied     []string
	victims  []*v1.Pod
}

// begin forgets the last decision's preemption; order is the place of each node in the snapshot.
func (p *preemptionSpy) begin(order map[string]int) {
	p.order, p.tries, p.tied, p.victims = order, map[string]tried{}, nil, nil
}

// GetOffsetAndNumCandidates starts at the first node, unless chance is wanted.
func (p *preemptionSpy) GetOffsetAndNumCandidates(nodes int32) (int32, int32) {
	offset, count := p.Interface.GetOffsetAndNumCandidates(nodes)
	if p.anyTie {
		return offset, count
	}
	return 0, count
}

func (p *preemptionSpy) SelectVictimsOnNode(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo, budgets []*policyv1.PodDisruptionBudget,
) ([]*v1.Pod, int, *fwk.Status) {
	victims, violations, status := p.Interface.SelectVictimsOnNode(ctx, state, pod, info, budgets)
	p.lock.Lock()
	defer p.lock.Unlock()
	name := info.Node().Name
	p.tries[name] = tried{node: name, victims: victims, violations: violations, status: status}
	return victims, violations, status
}

// CandidatesToVictimsMap leaves only the first of the equally good best candidates: the real choice among those rests on chance.
func (p *preemptionSpy) CandidatesToVictimsMap(candidates []preemption.Candidate) map[string]*extenderv1.Victims {
	all := p.Interface.CandidatesToVictimsMap(candidates)
	if p.order != nil {
		p.tied = p.best(all)
	}
	if !p.anyTie {
		for _, name := range p.tied[min(1, len(p.tied)):] {
			delete(all, name)
		}
	}
	return all
}

// best lists, in the snapshot's order, the candidates between which the five criteria do not decide.
func (p *preemptionSpy) best(all map[string]*extenderv1.Victims) []string {
	var names []string
	var top [5]int64
	for name, victims := range all {
		value := worth(victims)
		switch comparison := compare(value, top); {
		case len(names) == 0 || comparison > 0:
			names, top = []string{name}, value
		case comparison == 0:
			names = append(names, name)
		}
	}
	return sorted(names, p.order)
}

// worth is how good a candidate is, by each criterion in turn: more is better.
func worth(victims *extenderv1.Victims) [5]int64 {
	sum := int64(0)
	for _, pod := range victims.Pods {
		sum += int64(corev1helpers.PodPriority(pod)) + 1<<31
	}
	return [5]int64{
		-victims.NumPDBViolations, -int64(corev1helpers.PodPriority(victims.Pods[0])), -sum, -int64(len(victims.Pods)), earliest(victims.Pods),
	}
}

// earliest is the earliest start among the pods of the highest priority. Pods that have not started are as good as each other.
func earliest(pods []*v1.Pod) int64 {
	found := int64(math.MaxInt64)
	for _, pod := range pods {
		if corev1helpers.PodPriority(pod) == corev1helpers.PodPriority(pods[0]) && pod.Status.StartTime != nil {
			found = min(found, pod.Status.StartTime.UnixNano())
		}
	}
	return found
}

func compare(a, b [5]int64) int {
	for i := range a {
		if a[i] != b[i] {
			return map[bool]int{true: 1, false: -1}[a[i] > b[i]]
		}
	}
	return 0
}

// preempt takes the place of the calls that end a victim.
func (p *preemptionSpy) preempt(
	_ context.Context, _ preemption.Candidate, _ preemption.ExecutorPreemptor, victim *v1.Pod, _ string,
) error {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.victims = append(p.victims, victim)
	return nil
}

// settle waits until what was started for the preemptor in the background is over.
func (p *preemptionSpy) settle(pod *v1.Pod) {
	for p.executor.IsPodRunningPreemption(pod.UID) {
		runtime.Gosched()
	}
}

// reader is the statuses of a failed decision, with nodes listed in the snapshot's order and not a map's.
type reader struct {
	fwk.NodeToStatusReader
	order map[string]int
}

func (r reader) NodesForStatusCode(lister fwk.NodeInfoLister, code fwk.Code) ([]fwk.NodeInfo, error) {
	found, err := r.NodeToStatusReader.NodesForStatusCode(lister, code)
	if err != nil {
		return nil, err
	}
	names, infos := make([]string, len(found)), map[string]fwk.NodeInfo{}
	for i, info := range found {
		names[i] = info.Node().Name
		infos[names[i]] = info
	}
	ordered := make([]fwk.NodeInfo, len(found))
	for i, name := range sorted(names, r.order) {
		ordered[i] = infos[name]
	}
	return ordered, nil
}

// podName names a pod with its namespace.
func podName(pod *v1.Pod) string { return fmt.Sprintf("%s/%s", pod.Namespace, pod.Name) }

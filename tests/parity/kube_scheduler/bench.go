package main

import (
	"errors"
	"math"
	"time"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// timing is what a benchmark gives.
type timing struct {
	Decided    int       `json:"decided"`
	Failed     int       `json:"failed"`
	Preempted  int       `json:"preempted"`
	Attempts   int       `json:"attempts"`
	Seconds    float64   `json:"seconds"`
	Snapshot   float64   `json:"snapshot_seconds"`
	Wall       float64   `json:"wall_seconds"`
	PerPod     []float64 `json:"per_pod"`
	Placements []string  `json:"placements"`
	Placed     int       `json:"placed_before"`
}

// bench decides pods one after the other and says how long the deciding took.
func bench(req *request) (*timing, error) {
	all, err := load(req)
	if err != nil {
		return nil, err
	}
	parallelism := req.Parallelism
	if parallelism == 0 {
		parallelism = 16
	}
	before := all.pods
	all.pods = nil
	for _, pod := range before {
		if pod.Spec.NodeName != "" {
			all.pods = append(all.pods, pod)
		}
	}
	req.Ties = "random" // as the scheduler has it
	e, err := newEngine(req, all, parallelism, 0)
	if err != nil {
		return nil, err
	}
	defer e.close()
	result, warming := &timing{Placed: len(all.pods)}, &timing{}
	for _, pod := range before {
		if pod.Spec.NodeName == "" {
			if err := e.timed(pod, warming); err != nil {
				return nil, err
			}
		}
	}
	result.Placed += warming.Decided - warming.Failed
	started := time.Now()
	for _, pod := range all.measure {
		if req.LimitSeconds > 0 && time.Since(started).Seconds() > req.LimitSeconds {
			break
		}
		if err := e.timed(pod, result); err != nil {
			return nil, err
		}
	}
	result.Wall = time.Since(started).Seconds()
	return result, nil
}

// timed decides a pod, twice if it preempts, and adds the time to the result.
func (e *engine) timed(pod *v1.Pod, result *timing) error {
	complete(pod, e.profile)
	seconds, node := 0.0, ""
	for attempt := 1; attempt <= attempts; attempt++ {
		result.Attempts++
		again, err := e.measured(pod, result, &seconds, &node)
		if err != nil {
			return err
		}
		if !again {
			break
		}
		result.Preempted++
	}
	if node == "" {
		result.Failed++
		e.stores.remove(pod)
	}
	result.Decided++
	result.Seconds += seconds
	result.PerPod = append(result.PerPod, math.Round(seconds*1e9)/1e9)
	result.Placements = append(result.Placements, node)
	return nil
}

// measured makes one attempt; what the scheduler's metric of the algorithm's duration covers is timed. It says whether victims have
// made room and the pod is to be decided again.
func (e *engine) measured(pod *v1.Pod, result *timing, seconds *float64, node *string) (bool, error) {
	profile := e.spies[pod.Spec.SchedulerName]
	info, err := e.next(pod)
	if err != nil || profile == nil || info == nil {
		return false, err
	}
	real := profile.Framework
	if profile.preemptor != nil {
		profile.preemptor.begin(nil)
	}
	var chosen *fwk.PostFilterResult
	var fit *framework.FitError
	start := time.Now()
	state := cycleState()
	if err := e.sched.Cache.UpdateSnapshot(e.logger, e.snapshot); err != nil {
		return false, err
	}
	result.Snapshot += time.Since(start).Seconds()
	decision, err := e.sched.SchedulePod(e.ctx, real, state, info)
	if errors.As(err, &fit) && real.HasPostFilterPlugins() {
		var status *fwk.Status
		chosen, status = real.RunPostFilterPlugins(e.ctx, state, info.Pod, fit.Diagnosis.NodeToStatus)
		fit.Diagnosis.PostFilterMsg = status.Message()
	}
	*seconds += time.Since(start).Seconds()
	if err == nil {
		*node = decision.SuggestedHost
		return false, e.bind(profile, state, info, *node).AsError()
	}
	return e.cleared(profile, info, err, chosen), nil
}

// cleared does what follows a failed attempt, and says whether victims have made room.
func (e *engine) cleared(profile *spy, info *framework.QueuedPodInfo, err error, chosen *fwk.PostFilterResult) bool {
	if chosen == nil || chosen.NominatingInfo == nil || chosen.NominatedNodeName == "" || profile.preemptor == nil {
		e.sched.SchedulingQueue.Done(info.Pod.UID)
		return false
	}
	profile.preemptor.settle(info.Pod)
	status := fwk.NewStatus(fwk.Unschedulable).WithError(err)
	e.sched.FailureHandler(e.ctx, profile, info, status, chosen.NominatingInfo, time.Now())
	e.end(profile.preemptor.tries[chosen.NominatedNodeName].victims, "apply")
	return true
}

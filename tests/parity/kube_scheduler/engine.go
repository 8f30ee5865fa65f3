package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"reflect"
	"unsafe"

	v1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/fake"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// engine is a real scheduler for one request, and the world as it sees it.
type engine struct {
	ctx      context.Context
	stop     context.CancelFunc
	logger   klog.Logger
	stores   stores
	sched    *scheduler.Scheduler
	snapshot *internalcache.Snapshot
	profile  string
	spies    map[string]*spy
	writes   []runtime.Object
}

// newEngine starts a scheduler that knows the objects, nodes and pods of a request.
func newEngine(req *request, all *loaded, parallelism, percentage int32) (*engine, error) {
	e := &engine{logger: klog.Background(), profile: v1.DefaultSchedulerName, spies: map[string]*spy{}}
	e.ctx, e.stop = context.WithCancel(klog.NewContext(context.Background(), e.logger))
	options, err := e.options(req, parallelism, percentage)
	if err != nil {
		return nil, err
	}
	client := fake.NewSimpleClientset()
	factory, stores := newFactory(client)
	e.stores = stores
	client.PrependReactor("*", "*", e.write)
	recorder := func(string) events.EventRecorderLogger { return &events.FakeRecorder{} }
	if e.sched, err = scheduler.New(e.ctx, client, factory, nil, recorder, options...); err != nil {
		return nil, err
	}
	for name, profile := range e.sched.Profiles {
		e.snapshot = profile.SnapshotSharedLister().(*internalcache.Snapshot)
		e.spies[name] = newSpy(profile, req.Ties)
	}
	return e, e.fill(all)
}

// fill puts what there is into the scheduler's sight, in the order of the request.
func (e *engine) fill(all *loaded) error {
	for _, obj := range all.objects {
		if ignored(obj) {
			continue
		}
		if err := e.stores.put(obj); err != nil {
			return err
		}
	}
	for _, node := range all.nodes {
		if err := e.stores.put(node); err != nil {
			return err
		}
	}
	for _, pod := range append(append([]*v1.Pod{}, all.pods...), all.nominated...) {
		if pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed {
			continue // the scheduler does not ask for these
		}
		if err := e.stores.put(complete(pod, e.profile)); err != nil {
			return err
		}
	}
	return nil
}

// options turns the request's configuration into what the scheduler is started with.
func (e *engine) options(req *request, parallelism, percentage int32) ([]scheduler.Option, error) {
	result := []scheduler.Option{scheduler.WithParallelism(parallelism)}
	if req.Percentage != nil {
		percentage = *req.Percentage
	}
	if len(req.Config) == 0 || string(req.Config) == "null" {
		return append(result, scheduler.WithPercentageOfNodesToScore(&percentage)), nil
	}
	cfg, given, err := configuration(req.Config)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if given {
		percentage = *cfg.PercentageOfNodesToScore
	}
	e.profile = cfg.Profiles[0].SchedulerName
	for _, profile := range cfg.Profiles {
		if profile.SchedulerName == v1.DefaultSchedulerName {
			e.profile = v1.DefaultSchedulerName
		}
	}
	return append(result,
		scheduler.WithComponentConfigVersion(cfg.TypeMeta.APIVersion),
		scheduler.WithPercentageOfNodesToScore(&percentage),
		scheduler.WithProfiles(cfg.Profiles...),
		scheduler.WithExtenders(cfg.Extenders...),
	), nil
}

// configuration reads a user's file as kube-scheduler does; it also says whether it names a percentage of nodes to score.
func configuration(data json.RawMessage) (*config.KubeSchedulerConfiguration, bool, error) {
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, false, err
	}
	for field, value := range map[string]string{
		"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
	} {
		if fields[field] == nil {
			fields[field] = value
		}
	}
	full, err := json.Marshal(fields)
	if err != nil {
		return nil, false, err
	}
	obj, kind, err := scheme.Codecs.UniversalDecoder().Decode(full, nil, nil)
	if err != nil {
		return nil, false, err
	}
	cfg, ok := obj.(*config.KubeSchedulerConfiguration)
	if !ok {
		return nil, false, fmt.Errorf("a KubeSchedulerConfiguration is needed, not %s", kind)
	}
	cfg.TypeMeta.APIVersion = kind.GroupVersion().String()
	if err := validation.ValidateKubeSchedulerConfiguration(cfg); err != nil {
		return nil, false, err
	}
	return cfg, fields["percentageOfNodesToScore"] != nil, nil
}

// write takes the place of the API server: what the scheduler writes shows at once in what it sees.
func (e *engine) write(action clienttesting.Action) (bool, runtime.Object, error) {
	switch act := action.(type) {
	case clienttesting.PatchActionImpl:
		if act.Resource.Resource == "pods" {
			pod, err := e.patch(act)
			return true, pod, err
		}
	case clienttesting.UpdateActionImpl:
		return e.put(act.Object)
	case clienttesting.CreateActionImpl:
		return e.put(act.Object)
	case clienttesting.DeleteActionImpl:
		if act.Resource.Resource == "resourceclaims" {
			claim := &resourcev1.ResourceClaim{}
			claim.Namespace, claim.Name = act.Namespace, act.Name
			e.stores.remove(claim)
			return true, claim, nil
		}
	}
	return false, nil, nil
}

// put creates or updates an object that is not a pod, and notes it.
func (e *engine) put(obj runtime.Object) (bool, runtime.Object, error) {
	obj = obj.DeepCopyObject()
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return true, nil, err
	}
	if accessor.GetUID() == "" {
		accessor.SetUID(types.UID(accessor.GetNamespace() + "/" + accessor.GetName()))
	}
	if kinds, _, err := clientscheme.Scheme.ObjectKinds(obj); err == nil {
		obj.GetObjectKind().SetGroupVersionKind(kinds[0])
	}
	e.writes = append(e.writes, obj)
	err = e.stores.put(obj)
	return true, obj.DeepCopyObject(), err // who writes may go on changing what comes back
}

// patch changes a pod as the scheduler asks for.
func (e *engine) patch(act clienttesting.PatchActionImpl) (*v1.Pod, error) {
	old := e.stores.pod(act.Namespace, act.Name)
	if old == nil {
		return nil, fmt.Errorf("no pod %s/%s", act.Namespace, act.Name)
	}
	before, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	after, err := strategicpatch.StrategicMergePatch(before, act.Patch, v1.Pod{})
	if err != nil {
		return nil, err
	}
	pod, err := readPod(after)
	if err != nil {
		return nil, err
	}
	return pod, e.stores.put(pod)
}

// next adds a pod to the queue (or finds it there) and takes it out to decide it; nil if it may not be decided.
func (e *engine) next(pod *v1.Pod) (*framework.QueuedPodInfo, error) {
	if e.stores.pod(pod.Namespace, pod.Name) == nil {
		if err := e.stores.put(pod); err != nil {
			return nil, err
		}
	}
	return e.sched.SchedulingQueue.PopSpecificPod(e.logger, pod), nil
}

// cycleState makes the state of a cycle as the scheduler does.
func cycleState() fwk.CycleState {
	state := framework.NewCycleState()
	state.SetRecordPluginMetrics(rand.Intn(100) < 10)
	state.Write(framework.PodsToActivateKey, framework.NewPodsToActivate())
	return state
}

// bind puts a decided pod on its node: assumed, reserved, then confirmed.
func (e *engine) bind(profile *spy, state fwk.CycleState, info *framework.QueuedPodInfo, node string) *fwk.Status {
	assumed := info.Pod.DeepCopy()
	assumed.Spec.NodeName = node
	if err := e.sched.Cache.AssumePod(e.logger, assumed); err != nil {
		return fwk.AsStatus(err)
	}
	e.sched.SchedulingQueue.DeleteNominatedPodIfExists(assumed)
	status := profile.RunReservePluginsReserve(e.ctx, state, assumed, node)
	if status.IsSuccess() {
		status = profile.write(e.ctx, state, assumed, node)
	}
	if !status.IsSuccess() {
		profile.RunReservePluginsUnreserve(e.ctx, state, assumed, node)
		if err := e.sched.Cache.ForgetPod(e.logger, assumed); err != nil {
			return fwk.AsStatus(err)
		}
		return status
	}
	e.sched.SchedulingQueue.Done(assumed.UID)
	bound := assumed.DeepCopy()
	bound.Status.NominatedNodeName = ""
	return fwk.AsStatus(e.stores.put(bound))
}

// private gives a field that a package keeps to itself.
func private[T any](owner any, field string) T {
	value := reflect.ValueOf(owner).Elem().FieldByName(field)
	return reflect.NewAt(value.Type(), unsafe.Pointer(value.UnsafeAddr())).Elem().Interface().(T)
}

// close ends the scheduler's goroutines.
func (e *engine) close() {
	e.sched.SchedulingQueue.Close()
	e.sched.Profiles.Close()
	e.stop()
}

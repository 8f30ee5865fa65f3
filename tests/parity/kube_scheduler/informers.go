package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// watched lists one example of every kind of object that the scheduler looks at.
var watched = []runtime.Object{
	&v1.Namespace{}, &v1.Service{}, &v1.ReplicationController{}, &v1.PersistentVolume{}, &v1.PersistentVolumeClaim{},
	&v1.Node{}, &v1.Pod{}, &appsv1.ReplicaSet{}, &appsv1.StatefulSet{}, &policyv1.PodDisruptionBudget{},
	&storagev1.StorageClass{}, &storagev1.CSINode{}, &storagev1.CSIDriver{}, &storagev1.CSIStorageCapacity{},
	&storagev1.VolumeAttachment{}, &resourcev1.ResourceClaim{}, &resourcev1.ResourceSlice{}, &resourcev1.DeviceClass{},
}

// informer is a shared informer without a server behind it: what is put into it reaches every handler before put returns.
type informer struct {
	cache.Indexer
	handlers []cache.ResourceEventHandler
}

// stores holds one informer for each kind of object.
type stores map[string]*informer

func kindOf(obj any) string { return fmt.Sprintf("%T", obj) }

// newFactory makes the scheduler's informer factory with our informers in it.
func newFactory(client kubernetes.Interface) (informers.SharedInformerFactory, stores) {
	factory, all := informers.NewSharedInformerFactory(client, 0), stores{}
	for _, example := range watched {
		indexers := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
		made := &informer{Indexer: cache.NewIndexer(cache.MetaNamespaceKeyFunc, indexers)}
		all[kindOf(example)] = made
		factory.InformerFor(example, func(kubernetes.Interface, time.Duration) cache.SharedIndexInformer { return made })
	}
	return factory, all
}

// put adds an object, or replaces the one with its name under a new version.
func (s stores) put(obj runtime.Object) error {
	store := s[kindOf(obj)]
	if store == nil {
		return fmt.Errorf("the scheduler does not watch %T", obj)
	}
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	old, exists, err := store.Indexer.Get(obj)
	if err != nil {
		return err
	}
	if !exists {
		if accessor.GetResourceVersion() == "" {
			accessor.SetResourceVersion("1")
		}
		store.Indexer.Add(obj)
		for _, handler := range store.handlers {
			handler.OnAdd(obj, false)
		}
		return nil
	}
	before, _ := meta.Accessor(old)
	version, _ := strconv.Atoi(before.GetResourceVersion())
	accessor.SetResourceVersion(strconv.Itoa(version + 1))
	store.Indexer.Update(obj)
	for _, handler := range store.handlers {
		handler.OnUpdate(old, obj)
	}
	return nil
}

// remove takes an object away.
func (s stores) remove(obj runtime.Object) {
	store := s[kindOf(obj)]
	if old, exists, _ := store.Indexer.Get(obj); exists {
		store.Indexer.Delete(old)
		for _, handler := range store.handlers {
			handler.OnDelete(old)
		}
	}
}

// pod gives the pod as it is now, or nil.
func (s stores) pod(namespace, name string) *v1.Pod {
	found, exists, _ := s[kindOf(&v1.Pod{})].Indexer.GetByKey(namespace + "/" + name)
	if !exists {
		return nil
	}
	return found.(*v1.Pod)
}

// done says that an informer or a handler is up to date, which ours always are.
type done struct{}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (done) Name() string                        { return "done" }
func (done) Done() <-chan struct{}               { return closed }
func (done) HasSynced() bool                     { return true }
func (done) HasSyncedChecker() cache.DoneChecker { return done{} }

func (i *informer) AddEventHandler(handler cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	i.handlers = append(i.handlers, handler)
	return done{}, nil
}

func (i *informer) AddEventHandlerWithResyncPeriod(
	handler cache.ResourceEventHandler, _ time.Duration,
) (cache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(handler)
}

func (i *informer) AddEventHandlerWithOptions(
	handler cache.ResourceEventHandler, _ cache.HandlerOptions,
) (cache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(handler)
}

func (i *informer) RemoveEventHandler(cache.ResourceEventHandlerRegistration) error { return nil }
func (i *informer) GetStore() cache.Store                                           { return i.Indexer }
func (i *informer) GetIndexer() cache.Indexer                                       { return i.Indexer }
func (i *informer) GetController() cache.Controller                                 { return nil }
func (i *informer) Run(<-chan struct{})                                             {}
func (i *informer) RunWithContext(context.Context)                                  {}
func (i *informer) HasSynced() bool                                                 { return true }
func (i *informer) HasSyncedChecker() cache.DoneChecker                             { return done{} }
func (i *informer) LastSyncResourceVersion() string                                 { return "" }
func (i *informer) SetWatchErrorHandler(cache.WatchErrorHandler) error              { return nil }
func (i *informer) SetTransform(cache.TransformFunc) error                          { return nil }
func (i *informer) IsStopped() bool                                                 { return false }
func (i *informer) SetWatchErrorHandlerWithContext(cache.WatchErrorHandlerWithContext) error {
	return nil
}

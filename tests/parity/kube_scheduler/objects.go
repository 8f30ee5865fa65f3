package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	v1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
)

// many describes a number of objects that differ in little; harness.py says what the fields mean.
type many struct {
	Template   json.RawMessage `json:"template"`
	Count      int             `json:"count"`
	Names      string          `json:"names"`
	Zones      []string        `json:"zones"`
	Namespaces []string        `json:"namespaces"`
	Assign     bool            `json:"assign"`
}

// expand reads a list of objects, some of which are written as a template.
func expand[T runtime.Object](items []json.RawMessage, nodes []*v1.Node, read func([]byte) (T, error)) ([]T, error) {
	var all []T
	for _, item := range items {
		var spec many
		if err := json.Unmarshal(item, &spec); err != nil {
			return nil, err
		}
		if spec.Template == nil || spec.Names == "" {
			obj, err := read(item)
			if err != nil {
				return nil, err
			}
			all = append(all, obj)
			continue
		}
		template, err := read(spec.Template)
		if err != nil {
			return nil, err
		}
		for i := range spec.Count {
			obj := template.DeepCopyObject()
			if err := spec.shape(obj, i, nodes); err != nil {
				return nil, err
			}
			all = append(all, obj.(T))
		}
	}
	return all, nil
}

// shape gives the copy with this number what is its own.
func (m *many) shape(obj runtime.Object, number int, nodes []*v1.Node) error {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	accessor.SetName(m.Names + strconv.Itoa(number))
	if len(m.Namespaces) > 0 {
		accessor.SetNamespace(m.Namespaces[number%len(m.Namespaces)])
	}
	switch made := obj.(type) {
	case *v1.Node:
		labels := made.Labels
		if labels == nil {
			labels = map[string]string{}
		}
		labels[v1.LabelHostname] = made.Name
		if len(m.Zones) > 0 {
			labels[v1.LabelTopologyZone] = m.Zones[number%len(m.Zones)]
		}
		made.Labels = labels
	case *v1.Pod:
		if m.Assign {
			made.Spec.NodeName = nodes[number%len(nodes)].Name
		}
	}
	return nil
}

func readNode(data []byte) (*v1.Node, error) {
	node := &v1.Node{}
	return node, json.Unmarshal(data, node)
}

func readPod(data []byte) (*v1.Pod, error) {
	pod := &v1.Pod{}
	return pod, json.Unmarshal(data, pod)
}

func readObject(data []byte) (runtime.Object, error) {
	obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(data, nil, nil)
	return obj, err
}

// complete gives a pod what the API server would have given it at the least: a namespace, a UID, a scheduler.
func complete(pod *v1.Pod, profile string) *v1.Pod {
	if pod.Namespace == "" {
		pod.Namespace = "default"
	}
	if pod.UID == "" {
		pod.UID = types.UID(pod.Namespace + "/" + pod.Name)
	}
	if pod.Spec.SchedulerName == "" {
		pod.Spec.SchedulerName = profile
	}
	return pod
}

// ignored says that an object is none of the scheduler's business: what it means has been written into the pods.
func ignored(obj runtime.Object) bool {
	_, is := obj.(*schedulingv1.PriorityClass)
	return is
}

// loaded is everything a request lists, read.
type loaded struct {
	objects                           []runtime.Object
	nodes                             []*v1.Node
	pods, nominated, pending, measure []*v1.Pod
}

// load reads the lists of a request.
func load(req *request) (*loaded, error) {
	all := &loaded{}
	var err error
	if all.objects, err = expand(req.Objects, nil, readObject); err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	if all.nodes, err = expand(req.Nodes, nil, readNode); err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	lists := []struct {
		name string
		from []json.RawMessage
		to   *[]*v1.Pod
	}{
		{"pods", req.Pods, &all.pods}, {"nominated", req.Nominated, &all.nominated},
		{"pending", req.Pending, &all.pending}, {"measured", req.Measured, &all.measure},
	}
	for _, list := range lists {
		if *list.to, err = expand(list.from, all.nodes, readPod); err != nil {
			return nil, fmt.Errorf("%s: %w", list.name, err)
		}
	}
	return all, nil
}

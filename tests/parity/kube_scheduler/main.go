// Program kubescheduler decides pods with the real kube-scheduler, in this process and without an API server.
//
// It reads one JSON document a line and answers each with one line: see harness.py, which is the other side.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"k8s.io/klog/v2"
)

// request is one line of input.
type request struct {
	ID           json.RawMessage   `json:"id"`
	Mode         string            `json:"mode"`
	Config       json.RawMessage   `json:"config"`
	Percentage   *int32            `json:"percentage"`
	Parallelism  int32             `json:"parallelism"`
	Objects      []json.RawMessage `json:"objects"`
	Nodes        []json.RawMessage `json:"nodes"`
	Pods         []json.RawMessage `json:"pods"`
	Nominated    []json.RawMessage `json:"nominated"`
	Pending      []json.RawMessage `json:"pending"`
	Measured     []json.RawMessage `json:"measured"`
	Preempt      string            `json:"preempt"`
	Ties         string            `json:"ties"`
	Brief        bool              `json:"brief"`
	LimitSeconds float64           `json:"limit_seconds"`
}

// response is one line of output; which fields there are depends on the mode.
type response struct {
	ID      json.RawMessage `json:"id,omitempty"`
	Error   string          `json:"error,omitempty"`
	Answers []answer        `json:"answers,omitempty"`
	Timing  *timing         `json:"timing,omitempty"`
}

func main() {
	verbosity := flag.String("v", "", "how much the scheduler logs to stderr; nothing by default")
	flag.Parse()
	logging(*verbosity)
	in, out := bufio.NewReaderSize(os.Stdin, 1<<20), bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			encoded, _ := json.Marshal(handle(line))
			out.Write(append(encoded, '\n'))
			out.Flush()
		}
		if err != nil {
			return
		}
	}
}

// logging silences the scheduler, or lets it speak on stderr.
func logging(verbosity string) {
	flags := flag.NewFlagSet("klog", flag.ExitOnError)
	klog.InitFlags(flags)
	if verbosity != "" {
		flags.Set("v", verbosity)
		return
	}
	flags.Set("logtostderr", "false")
	flags.Set("stderrthreshold", "FATAL")
	klog.SetOutput(io.Discard)
}

// handle answers one line; what goes wrong is an answer too.
func handle(line []byte) (result response) {
	var req request
	defer func() {
		if problem := recover(); problem != nil {
			result = response{ID: req.ID, Error: fmt.Sprintf("panic: %v\n%s", problem, debug.Stack())}
		}
	}()
	if err := json.Unmarshal(line, &req); err != nil {
		return response{Error: "unreadable line: " + err.Error()}
	}
	result.ID = req.ID
	var err error
	switch req.Mode {
	case "", "decide":
		result.Answers, err = decide(&req)
	case "bench":
		result.Timing, err = bench(&req)
	default:
		err = fmt.Errorf("unknown mode %q", req.Mode)
	}
	if err != nil {
		result.Error = err.Error()
	}
	return result
}

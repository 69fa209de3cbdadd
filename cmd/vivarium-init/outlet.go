//go:build linux

package main

import (
	"sync"

	"vivarium/sandbox/report"
	"vivarium/sandbox/wire"
)

// outlet is all that comes out of one command: its output, and what its tests report.
type outlet struct {
	*pipes
	pump  *pump
	ended pipe // its writing end is closed once no process of the command is left

	drained sync.WaitGroup
}

func newOutlet(req *wire.Run, out *wire.Writer) (*outlet, error) {
	outputs, err := newPipes(req.Merged)
	if err != nil {
		return nil, err
	}
	o := &outlet{pipes: outputs, pump: newPump(out, outputs.sources())}
	if !req.Report {
		return o, nil
	}
	if o.ended, err = newPipe(); err != nil {
		outputs.close()
		return nil, err
	}
	o.pump.ended = o.ended.read
	if o.pump.reports, err = report.Listen(o.pump, req.TestTimeout); err != nil {
		outputs.close()
		o.ended.close()
		return nil, err
	}
	return o, nil
}

// env is what the command's environment needs for it.
func (o *outlet) env() []string {
	if o.pump.reports == nil {
		return nil
	}
	return []string{o.pump.reports.Setting()}
}

// hung is sent the process whose test takes too long; nil where nothing is reported.
func (o *outlet) hung() <-chan int {
	if o.pump.reports == nil {
		return nil
	}
	return o.pump.reports.Hung()
}

// reporters are the processes that report at this moment.
func (o *outlet) reporters() []int {
	if o.pump.reports == nil {
		return nil
	}
	return o.pump.reports.Peers()
}

// begin passes on what comes out from now on.
func (o *outlet) begin() {
	o.drained.Go(func() { _ = o.pump.run() }) // it fails when the session is over, and with it the container
}

// end returns once all has been passed on. No process of the command is left.
func (o *outlet) end() {
	if o.pump.reports != nil {
		o.ended.write.Close()
	}
	o.drained.Wait()
}

func (o *outlet) close() {
	o.pipes.close()
	if o.pump.reports != nil {
		o.pump.reports.Close()
		o.ended.close()
	}
}

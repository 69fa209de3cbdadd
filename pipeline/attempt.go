package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vivarium/images"
	"vivarium/pipeline/environment"
	"vivarium/pipeline/limits"
	"vivarium/pipeline/notes"
	"vivarium/pipeline/ownfiles"
	"vivarium/pipeline/pace"
	"vivarium/pipeline/python"
	"vivarium/pipeline/termtext"
	"vivarium/sandbox"
	"vivarium/sandbox/quantity"
)

// grace is how much longer than the build the sandbox and the server's own calls may last. Thus it
// is always the command that times out first, and its figures are known.
const grace = 10 * time.Second

// recordTimeout bounds the calls that tell the recorder how a canceled build ended.
const recordTimeout = 10 * time.Second

// attempt is one Run.
type attempt struct {
	runner *Runner
	req    Request
	rec    Recorder

	image    images.Image
	sandbox  *sandbox.Sandbox
	limits   limits.Limits // the request's until the plan lowers them
	begun    time.Time     // when the first sandbox was asked for
	deadline time.Time
	keeper   ownfiles.Keeper // of what the operator fixes of the checkout
	plan     python.Plan
	ranWith  environment.Environment // as far as it is known yet; its image is the attempt's
	planned  string                  // the file of the plan that stands in the sandbox; empty where none does
	written  int64                   // bytes of output so far
	pace     pace.Pace
	notes    notes.Notes

	step  Step   // the step that runs
	steps []Step // the steps that ended
	over  bool   // no further step is to run
	ends  map[StepName]ending
	// linted is the lint step, which runs before the installation, until its place has come.
	linted *tape
}

func newAttempt(r *Runner, q Request, rec Recorder) *attempt {
	if q.Image == "" {
		q.Image = images.Default
	}
	return &attempt{
		runner: r, req: q, rec: rec, ends: map[StepName]ending{},
		limits: q.Settings.Limits, keeper: ownfiles.Keeper{Part: q.Fixed},
	}
}

// errNothing is what a step returns when it had nothing to do. The step's note says why.
var errNothing = errors.New("nothing to do")

// runInOrder runs a step in its place, but for lint: that looks at the checkout before anything is
// installed, and is recorded in its place.
func (a *attempt) runInOrder(ctx context.Context, name StepName) error {
	if name == StepInstall && !a.over {
		if err := a.lintAsCloned(ctx); err != nil {
			return err
		}
	}
	if name == StepLint && a.linted != nil {
		if len(a.plan.OwnLint) > 0 && !a.over {
			return a.lintOn(ctx)
		}
		return a.linted.play(ctx, a.rec)
	}
	return a.runStep(ctx, name)
}

// outcome is what the steps came to together, in their places.
func (a *attempt) outcome() Outcome {
	slices.SortStableFunc(a.steps, func(s, t Step) int {
		return slices.Index(StepNames, s.Name) - slices.Index(StepNames, t.Name)
	})
	o := outcomeOf(a.image.Name, a.steps)
	o.Environment = a.environment()
	if a.req.Green != nil {
		o.Green = a.req.Green.Build
	}
	if i := slices.IndexFunc(a.steps, func(s Step) bool { return s.Cause != "" }); i >= 0 {
		end := a.ends[a.steps[i].Name]
		o.Heals, o.Unclear = end.heals, end.unclear
	}
	return o
}

// runStep runs one step and tells the recorder of it. An error abandons the attempt.
func (a *attempt) runStep(ctx context.Context, name StepName) error {
	if a.over {
		return a.record(ctx, Step{Name: name, State: StepSkipped})
	}
	do, err := a.begin(ctx, name)
	note := ""
	if err == nil {
		note, err = do(ctx)
	}
	return a.finish(ctx, name, note, err)
}

// finish ends the step that runs, by what it returned.
func (a *attempt) finish(ctx context.Context, name StepName, note string, err error) error {
	end, err := a.explain(ctx, name, err)
	if err != nil {
		return err
	}
	a.over = end.over
	a.ends[name] = end
	a.step.State, a.step.Cause, a.step.Note = end.state(), end.cause, note
	if end.cause != "" {
		a.step.Note = a.sinceGreen(end.cause, end.note)
	}
	a.step.EndedAt, a.step.Limits = time.Now(), a.limits
	return a.record(ctx, a.step)
}

// begin tells the recorder that a step begins, and gives what it does.
func (a *attempt) begin(ctx context.Context, name StepName) (do stepWork, err error) {
	do, command := a.work(name)
	// The command line may hold a repository's own words, such as what its flake8 leaves out. They
	// need not be printable text.
	a.step = Step{
		Name:      name,
		State:     StepRunning,
		Command:   termtext.Line(command),
		StartedAt: time.Now(),
		Limits:    a.limits,
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := a.rec.StepStarted(ctx, a.step); err != nil {
		return nil, recorderError{err}
	}
	return do, nil
}

// stepWork is what a step does. It returns a note for people.
type stepWork func(ctx context.Context) (note string, err error)

// work is what a step does, and its command line for people.
func (a *attempt) work(name StepName) (do stepWork, command string) {
	switch name {
	case StepClone:
		return a.clone, a.cloneCommand()
	case StepPlan:
		return a.makePlan, ""
	case StepInstall:
		return a.installAndList, python.Lines(a.plan.Install)
	case StepLint:
		return a.lint, python.Lines(slices.Concat(a.plan.Lint, a.plan.OwnLint))
	default:
		return a.test, python.Lines(a.plan.Test)
	}
}

// record writes the step's result as the last line of its log, and tells the recorder that the step
// ended. It does so also when the build was canceled.
func (a *attempt) record(ctx context.Context, step Step) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
		defer cancel()
	}
	a.steps = append(a.steps, step)
	if !step.EndedAt.IsZero() {
		if err := a.say(ctx, lastLine(step)); err != nil {
			return err
		}
	}
	return a.rec.StepEnded(ctx, step)
}

func lastLine(s Step) string {
	line := fmt.Sprintf("%s: %s in %s", s.Name, s.State, quantity.Duration(s.EndedAt.Sub(s.StartedAt)))
	if s.Note != "" {
		line += ": " + s.Note
	}
	return line
}

// bound limits ctx to the build's deadline.
func (a *attempt) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithDeadlineCause(ctx, a.deadline.Add(grace), errTimeout)
}

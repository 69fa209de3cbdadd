package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"vivarium/images"
	"vivarium/pipeline/environment"
	"vivarium/pipeline/findings"
	"vivarium/pipeline/lastwords"
	"vivarium/pipeline/limits"
	"vivarium/pipeline/pipend"
	"vivarium/pipeline/pipwords"
	"vivarium/pipeline/python"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/interpreter"
	"vivarium/sandbox"
)

// envSettings make the build's own Python environment the one in use, as activating it would.
var envSettings = []string{
	"PATH=" + sandbox.Env + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"VIRTUAL_ENV=" + sandbox.Env,
}

// unpackSeed makes the environment.
var unpackSeed = []string{"tar", "-C", sandbox.Env, "-xf", sandbox.Seed}

// makePlan decides on the server what the checkout in the sandbox needs. It moves to another image
// when the plan asks for one that differs from the clone's.
func (a *attempt) makePlan(ctx context.Context) (string, error) {
	bounded, cancel := a.bound(ctx)
	defer cancel()
	plan, err := a.detect(bounded)
	if err != nil {
		return "", err
	}
	if d := a.req.Skip.Decide(bounded, plan.Wanted); d.Why != "" {
		return "", fail(Cause(d.Cause), "%s", d.Why)
	}
	if plan.Image.Name != a.image.Name {
		if err := a.change(ctx, plan); err != nil {
			return "", err
		}
	}
	a.plan = plan
	a.ranWith.Plan = environment.CutPlan(plan.Text())
	if err := a.say(ctx, strings.TrimSuffix(plan.Text(), "\n")); err != nil {
		return "", err
	}
	if err := a.lower(bounded, plan.Limits); err != nil {
		return "", err
	}
	return strings.Join(plan.Remarks, "; "), a.completeHistory(bounded)
}

func (a *attempt) detect(ctx context.Context) (python.Plan, error) {
	if err := python.CheckFixed(a.req.Fixed, a.req.Settings.Limits); err != nil {
		return python.Plan{}, fail(CauseInternal, "what the operator fixed for this repository does not hold: %v", err)
	}
	survey, err := a.survey(ctx)
	if err != nil {
		return python.Plan{}, err
	}
	found, err := a.runner.Images.List(ctx)
	if err != nil {
		return python.Plan{}, imageTrouble("list the runner images", err)
	}
	options := python.Options{
		Default: images.Default, Limits: a.limits, NoHistory: !hasHistory(a.req.Source),
		DeclaredPytest: a.req.Settings.DeclaredPytest, Fixed: a.req.Fixed, Laid: a.keeper.Laid,
		GitHosts: a.req.Settings.GitHosts, IndexHosts: a.req.Settings.IndexHosts,
	}
	for _, image := range found {
		options.Images = append(options.Images, interpreter.Image{Name: image.Name, Python: image.Python})
	}
	plan, err := python.Detect(survey, options)
	if err != nil {
		return python.Plan{}, fail(CausePlan, "%v", err)
	}
	return plan, nil
}

// survey looks at the checkout: first at the list of its files, then at what stands in those that
// decide.
func (a *attempt) survey(ctx context.Context) (sandbox.Survey, error) {
	survey, err := a.sandbox.Survey(ctx, python.Listing)
	if err != nil {
		return sandbox.Survey{}, err
	}
	survey.Contents = map[string][]byte{}
	asked := map[string]bool{}
	for range python.Rounds {
		paths := slices.DeleteFunc(python.Reads(survey), func(p string) bool { return asked[p] })
		if len(paths) == 0 {
			break
		}
		contents, err := a.sandbox.Read(ctx, python.Contents(paths))
		if err != nil {
			return sandbox.Survey{}, err
		}
		maps.Copy(survey.Contents, contents)
		for _, p := range paths {
			asked[p] = true
		}
	}
	return survey, nil
}

// change starts again in the image that the plan asks for. The same commit gives the same plan, so
// this happens at most once.
func (a *attempt) change(ctx context.Context, plan python.Plan) error {
	line := fmt.Sprintf("Starting again in image %s instead of %s: %s", plan.Image.Name, a.image.Name, plan.ImageReason)
	if err := a.say(ctx, line); err != nil {
		return err
	}
	image, err := a.resolve(ctx, plan.Image.Name)
	if err != nil {
		return imageTrouble("runner image "+plan.Image.Name, err)
	}
	a.leaveSandbox()
	a.image = image
	return a.checkOut(ctx)
}

// lower applies the limits that the repository lowered, before anything of it runs.
func (a *attempt) lower(ctx context.Context, l limits.Limits) error {
	var changed sandbox.Limits
	if l.Memory < a.limits.Memory {
		changed.Memory = l.Memory
	}
	if l.CPUs < a.limits.CPUs {
		changed.CPUs = l.CPUs
	}
	if l.Pids < a.limits.Pids {
		changed.Pids = l.Pids
	}
	if changed != (sandbox.Limits{}) {
		var refused *sandbox.RefusedError
		err := a.sandbox.Lower(ctx, changed)
		if errors.Is(err, sandbox.ErrFixedLimits) {
			err = a.startLowered(ctx, l)
		}
		if errors.As(err, &refused) {
			return fail(CausePlan, "[tool.vivarium]: %v; set a higher limit", err)
		}
		if err != nil {
			return err
		}
	}
	if l.Timeout < a.limits.Timeout {
		a.deadline = a.begun.Add(l.Timeout)
		if err := a.sandbox.Extend(ctx, a.deadline.Add(grace)); err != nil {
			return err
		}
	}
	a.limits = l
	return nil
}

// startLowered starts again with the lowered limits.
func (a *attempt) startLowered(ctx context.Context, l limits.Limits) error {
	if err := a.say(ctx,
		"Starting again with the limits of [tool.vivarium]: "+sandbox.ErrFixedLimits.Error()); err != nil {
		return err
	}
	asked := &a.req.Settings.Limits
	asked.Memory, asked.CPUs, asked.Pids = l.Memory, l.CPUs, l.Pids
	a.leaveSandbox()
	return a.checkOut(ctx)
}

// install makes the environment and installs what the plan says. It makes the environment in any
// case: the tests never see the packages of the image's own Python.
func (a *attempt) install(ctx context.Context) (string, error) {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	seed := command{Command: sandbox.Command{Argv: unpackSeed}, name: "unpacking the seed"}
	r, err := a.run(ctx, seed)
	if err != nil {
		return "", err
	}
	if cause, note := stepCause(StepInstall, seed.name, r, a.limits, ""); cause == CauseInstall {
		return "", fail(CauseImage, "the image's environment cannot be unpacked: %s; make it anew with `vivarium "+
			"images build %s`", note, a.image.Name)
	} else if cause != "" {
		return "", fail(cause, "%s", note)
	}
	if a.plan.Refused != "" {
		return "", fail(CauseInstall, "%s", a.plan.Refused)
	}
	if len(a.plan.Install) == 0 {
		return a.plan.InstallWhy, errNothing
	}
	open, err := a.openSupply(ctx, a.plan.Sources)
	if err != nil {
		return "", err
	}
	note, getting, err := a.pip(ctx, open.Env, open)
	closed := open.Close()
	blamed := blameSupply(err, open, getting)
	if blamed != err {
		a.step.Findings = findings.List{} // pip named a package, but a host was at fault
	}
	return note, errors.Join(blamed, closed, a.sayNotes(ctx))
}

// pip installs what is planned. getting says of an error that pip gave up over getting packages.
func (a *attempt) pip(
	ctx context.Context, supply []string, index pipwords.Index,
) (note string, getting bool, err error) {
	var remarks []string
	if err := a.putFile(ctx); err != nil {
		return "", false, err
	}
	for i := 0; i < len(a.plan.Install); i++ {
		var end pipend.Reader
		found := pipwords.Reader{
			Root: sandbox.Workspace, Dir: a.plan.Dir, Requirements: a.plan.Requirements, Project: a.plan.ProjectFiles,
			Index: index,
		}
		note, err := a.pipOnce(ctx, supply, a.plan.Install[i], &end, &found)
		if said, ok := a.yield(err, &found); ok {
			if err := errors.Join(a.say(ctx, said), a.putFile(ctx)); err != nil {
				return "", false, err
			}
			remarks = append(remarks, said)
			i = -1 // pip has installed nothing of this call, and those before have nothing to do again
			continue
		}
		if err != nil {
			return "", end.Getting(), err
		}
		if note != "" {
			remarks = append(remarks, note)
		}
	}
	return strings.Join(remarks, "; "), false, nil
}

func (a *attempt) pipOnce(
	ctx context.Context, supply []string, planned checkout.Command, end *pipend.Reader, found *pipwords.Reader,
) (string, error) {
	var words lastwords.Reader
	c := command{
		Command: inCheckout(planned, slices.Concat(supply, envSettings)),
		name:    "pip install",
		tap: func(stream sandbox.Stream, p []byte) {
			words.Take(stream, p)
			end.Take(stream, p)
			found.Take(stream, p)
		},
	}
	r, err := a.run(ctx, c)
	if err != nil {
		return "", err
	}
	cause, note := stepCause(StepInstall, c.name, r, a.limits, a.said(found.List(), 0, words.Said()))
	if cause != "" {
		return "", fail(cause, "%s", note)
	}
	return note, nil
}

// inCheckout is a planned command with the environment of its step.
func inCheckout(c checkout.Command, env []string) sandbox.Command {
	return sandbox.Command{
		Argv: c.Argv,
		Env:  slices.Concat(env, c.Env),
		Dir:  path.Join(sandbox.Workspace, c.Dir),
	}
}

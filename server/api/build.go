// Package api is builds in JSON, as programs read them.
package api

import (
	"strconv"
	"strings"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/limits"
	"vivarium/server/store/outbox"
)

// Build is a build in JSON. The names and types of its first block are those that scripts for the
// course server know; they never change.
type Build struct {
	ID          string `json:"id"`
	Status      string `json:"status" enum:"pending,success,failure,error" doc:"As the commit status says it."`
	RepoURL     string `json:"repo_url"`
	Ref         string `json:"ref" example:"refs/heads/main"`
	HeadCommit  string `json:"head_commit" doc:"The SHA of the commit that is built."`
	Author      string `json:"author" doc:"Who pushed; empty once the operator's time for names is over."`
	TimeStarted int64  `json:"time_started" doc:"Unix seconds. While the build is queued: when it was queued."`
	TimeEnded   *int64 `json:"time_ended" doc:"Unix seconds; null until the build has ended."`
	Logs        Logs   `json:"logs"`

	LogsTruncated bool   `json:"logs_truncated" doc:"Whether a text was cut at 256 KiB; /logs/{id}/raw is whole."`
	Plan          string `json:"plan" doc:"What was found in the repository and is to be run."`

	State    pipeline.State `json:"state" enum:"unapproved,queued,running,passed,failed,errored,canceled,skipped"`
	Cause    pipeline.Cause `json:"cause" doc:"Why it did not pass, or empty; quota: its repository was over a quota."`
	Summary  string         `json:"summary" doc:"One line for people."`
	Repo     string         `json:"repo" example:"octocat/hello-world"`
	Private  bool           `json:"private"`
	Message  string         `json:"message" doc:"First line of the commit's message; of a pull request's build its title."`
	Trigger  string         `json:"trigger" enum:"push,poll,pull_request,rerun"`
	RerunOf  string         `json:"rerun_of,omitempty" doc:"The build that this one repeats."`
	Pull     int64          `json:"pull_request" doc:"The pull request that has the commit as its head; 0: none."`
	Fork     bool           `json:"fork" doc:"Whether that pull request is a fork's."`
	Attempt  int            `json:"attempt" doc:"1, and one more for each new try; 0 while it has never started."`
	Image    string         `json:"image" doc:"The runner image."`
	QueuedAt int64          `json:"queued_at" doc:"Unix seconds."`

	WaitingFor *WaitingFor `json:"waiting_for" doc:"The trouble outside that it waits out; null where there is none."`

	QueuePosition *int `json:"queue_position" doc:"From 1, over all repositories; 101: above 100; null: not queued."`

	Limits *Limits `json:"limits" doc:"The limits in force; null where they are not known."`

	Tests *Tests `json:"tests" doc:"What its tests came to, each told by the program that ran it; null: none were."`

	Environment *Environment `json:"environment" doc:"What it ran with; null where that is not known."`
	Since       *Since       `json:"since" doc:"What differs from the last green build; null unless it failed after one."`

	Findings       []Finding      `json:"findings" doc:"What the newest attempt's tools found; at most 20 a step."`
	Steps          []Step         `json:"steps" doc:"The steps of the newest attempt."`
	CommitStatuses []CommitStatus `json:"commit_statuses" doc:"What the git host was told, oldest first."`

	Undelivered *Undelivered `json:"undelivered" doc:"What keeps the newest commit status from the git host, or null."`
}

// WaitingFor is the trouble outside that a queued build waits out.
type WaitingFor struct {
	What  string   `json:"what" enum:"engine,clone,index,image" doc:"The cause if it does not pass in time."`
	Since float64  `json:"since" doc:"Unix seconds of the build's first such failure, else of the trouble's start."`
	Why   string   `json:"why" doc:"What was wrong at the last try."`
	Next  *float64 `json:"next_try" doc:"Unix seconds, at the earliest; null: as soon as it answers."`
}

func newWaitingFor(w *pipeline.Waiting) *WaitingFor {
	if w == nil {
		return nil
	}
	out := &WaitingFor{What: string(w.Cause), Why: w.Why, Next: UnixFraction(w.Next)}
	if since := UnixFraction(w.Since); since != nil {
		out.Since = *since
	}
	return out
}

// Limits are the limits in force: the operator's, or lower ones of the repository.
type Limits struct {
	TimeSeconds float64 `json:"time_seconds" doc:"Of the whole build."`
	Memory      int64   `json:"memory" doc:"Bytes that processes may use."`
	CPUs        float64 `json:"cpus"`
	Pids        int64   `json:"pids" doc:"Processes and threads."`
	Files       int64   `json:"files" doc:"Open files of each process."`
	Disk        int64   `json:"disk" doc:"Bytes."`
	Inodes      int64   `json:"inodes" doc:"Files and folders on the disk."`
	LogLimit    int64   `json:"log_limit" doc:"Bytes of output that end the build."`
	LogRate     int64   `json:"log_rate" doc:"Bytes of output per second; beyond it the build is slowed; 0: no limit."`
}

// Logs are the texts of the steps that run commands, in the newest attempt.
type Logs struct {
	Clone   string `json:"clone"`
	Install string `json:"install"`
	Lint    string `json:"lint"`
	Test    string `json:"test"`
}

// Step is one step of a build in JSON.
type Step struct {
	Name       pipeline.StepName  `json:"name" enum:"clone,plan,install,lint,test"`
	State      pipeline.StepState `json:"state" enum:"running,passed,failed,errored,skipped"`
	Cause      pipeline.Cause     `json:"cause"`
	Command    string             `json:"command"`
	ExitCode   *int               `json:"exit_code" doc:"null when no command ended by exiting."`
	Signal     string             `json:"signal"`
	StartedAt  *float64           `json:"started_at" doc:"Unix seconds."`
	EndedAt    *float64           `json:"ended_at" doc:"Unix seconds; null while the step runs."`
	CPUSeconds float64            `json:"cpu_seconds"`
	PeakMemory int64              `json:"peak_memory" doc:"Bytes."`
	Note       string             `json:"note" doc:"The figure behind the cause, or a remark."`
}

// Finding is one thing that a step's tool found wrong, with the details that its output gave.
type Finding struct {
	Step   pipeline.StepName `json:"step" enum:"clone,plan,install,lint,test"`
	Path   string            `json:"path" doc:"From the repository's root; empty when it is not known."`
	Line   int               `json:"line" doc:"From 1; 0 when it is not known."`
	Column int               `json:"column" doc:"From 1; 0 when it is not known."`
	Code   string            `json:"code" example:"F821" doc:"flake8's code, or the class of the exception."`
	Test   string            `json:"test" example:"tests.test_cart.TotalTest.test_discount" doc:"Empty if not a test."`
	Text   string            `json:"text" doc:"One line for people."`
}

// Undelivered says why a build's commit status has not reached the git host.
type Undelivered struct {
	State    string `json:"state" enum:"pending,success,failure,error" doc:"What the host is to be told."`
	Reason   string `json:"reason" doc:"The host's own words, or why it was not reached."`
	Code     int    `json:"code" doc:"The HTTP code of the host's refusal; 0 where it was none."`
	Attempts int    `json:"attempts"`
	NextTry  *int64 `json:"next_try" doc:"Unix seconds; null: as soon as can be, or never where it was given up."`
	GivenUp  bool   `json:"given_up"`
	Message  string `json:"message" doc:"All of this in a sentence for people."`
}

// CommitStatus is one state that the git host was told, or will be told.
type CommitStatus struct {
	State       string `json:"state"`
	Description string `json:"description"`
	Context     string `json:"context"`
	SentAt      *int64 `json:"sent_at" doc:"Unix seconds; null while the host has not accepted it."`
	Attempts    int    `json:"attempts"`
	Undelivered bool   `json:"undelivered" doc:"Whether it was given up."`
	Error       string `json:"error" doc:"The host's own message at the last attempt that failed."`
}

// NewBuild gives b in JSON, without its logs and statuses.
func NewBuild(b pipeline.Build, serverURL string) Build {
	out := Build{
		ID:          strconv.FormatInt(b.ID, 10),
		Status:      pipeline.StatusState(b.State),
		RepoURL:     RepoURL(serverURL, b.Repo.FullName),
		Ref:         string(b.Ref),
		HeadCommit:  b.SHA,
		Author:      b.Author,
		TimeStarted: b.QueuedAt.Unix(),
		TimeEnded:   UnixSeconds(b.EndedAt),
		State:       b.State,
		Cause:       b.Cause,
		Summary:     b.Summary,
		Repo:        b.Repo.FullName,
		Private:     b.Repo.Private,
		Message:     b.Message,
		Trigger:     string(b.Trigger),
		Pull:        b.Pull,
		Fork:        b.Fork,
		Attempt:     b.Attempt,
		Image:       b.Image,
		QueuedAt:    b.QueuedAt.Unix(),
		WaitingFor:  newWaitingFor(b.Waiting),
		Limits:      newLimits(b.Limits()),
		Findings:    newFindings(b.Steps),
		Steps:       make([]Step, len(b.Steps)),
	}
	if !b.StartedAt.IsZero() {
		out.TimeStarted = b.StartedAt.Unix()
	}
	if b.RerunOf != 0 {
		out.RerunOf = strconv.FormatInt(b.RerunOf, 10)
	}
	for i, st := range b.Steps {
		out.Steps[i] = NewStep(st)
	}
	return out
}

func newLimits(l *limits.Limits) *Limits {
	if l == nil {
		return nil
	}
	return &Limits{
		TimeSeconds: l.Timeout.Seconds(),
		Memory:      l.Memory,
		CPUs:        l.CPUs,
		Pids:        l.Pids,
		Files:       l.OpenFiles,
		Disk:        l.Disk,
		Inodes:      l.Inodes,
		LogLimit:    l.LogLimit,
		LogRate:     l.LogRate,
	}
}

func newFindings(steps []pipeline.Step) []Finding {
	out := []Finding{}
	for _, st := range steps {
		for _, f := range st.Findings.Findings {
			out = append(out, Finding{
				Step: st.Name, Path: f.Path, Line: f.Line, Column: f.Column, Code: f.Code, Test: f.Test, Text: f.Text,
			})
		}
	}
	return out
}

// NewStep gives a step in JSON.
func NewStep(st pipeline.Step) Step {
	return Step{
		Name:       st.Name,
		State:      st.State,
		Cause:      st.Cause,
		Command:    st.Command,
		ExitCode:   st.ExitCode,
		Signal:     st.Signal,
		StartedAt:  UnixFraction(st.StartedAt),
		EndedAt:    UnixFraction(st.EndedAt),
		CPUSeconds: st.CPU.Seconds(),
		PeakMemory: st.PeakMemory,
		Note:       st.Note,
	}
}

// NewCommitStatuses gives a build's rows of the outbox in JSON, in their order.
func NewCommitStatuses(rows []outbox.Status) []CommitStatus {
	out := make([]CommitStatus, len(rows))
	for i, r := range rows {
		out[i] = CommitStatus{
			State:       r.State,
			Description: r.Description,
			Context:     r.Context,
			SentAt:      UnixSeconds(r.SentAt),
			Attempts:    r.Attempts,
			Undelivered: r.Undelivered,
			Error:       r.LastError,
		}
	}
	return out
}

// NewUndelivered says what keeps the newest status of a build's rows from the git host; nil: nothing.
func NewUndelivered(rows []outbox.Status, now time.Time) *Undelivered {
	d := outbox.Undelivered(rows)
	if d == nil {
		return nil
	}
	return &Undelivered{
		State: d.State, Reason: d.Reason, Code: d.Code, Attempts: d.Attempts, NextTry: UnixSeconds(d.NextTry),
		GivenUp: d.GivenUp,
		Message: d.Text(now),
	}
}

// RepoURL is a repository's page on the git host.
func RepoURL(serverURL, fullName string) string {
	return strings.TrimSuffix(serverURL, "/") + "/" + fullName
}

// UnixSeconds is a time in whole seconds; nil when there is none.
func UnixSeconds(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.Unix()
	return &n
}

// UnixFraction is a time in seconds, exact to the millisecond; nil when there is none.
func UnixFraction(t time.Time) *float64 {
	if t.IsZero() {
		return nil
	}
	f := float64(t.UnixMilli()) / 1000
	return &f
}

package filter

import "vivarium/pipeline"

// States are all states of a build, in the order in which it goes through them.
var States = words(pipeline.Unapproved, pipeline.Queued, pipeline.Running, pipeline.Passed, pipeline.Failed,
	pipeline.Errored, pipeline.Canceled, pipeline.Skipped)

// Causes are all causes why a build did not pass: the repository's, then ours and those of hosts, then
// somebody's wish.
var Causes = words(
	pipeline.CausePlan, pipeline.CauseInstall, pipeline.CauseLint, pipeline.CauseTests, pipeline.CauseNoTests,
	pipeline.CauseTimeout, pipeline.CauseOutOfMemory, pipeline.CauseDiskFull, pipeline.CausePidsLimit,
	pipeline.CauseLogLimit,
	pipeline.CauseClone, pipeline.CauseIndex, pipeline.CauseImage, pipeline.CauseEngine, pipeline.CauseInternal,
	pipeline.CauseCanceled, pipeline.CauseQuota, pipeline.CauseSuperseded, pipeline.CauseSkipped,
	pipeline.CauseFiltered, pipeline.CauseUnchanged,
)

func words[S ~string](list ...S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

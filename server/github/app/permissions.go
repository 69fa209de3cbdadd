package app

import "vivarium/pipeline"

// Permissions are what a token for a purpose may do, and no more. Each token may read metadata, as
// GitHub has it.
func Permissions(p pipeline.Purpose, checks bool) map[string]string {
	switch {
	case p == pipeline.PurposeClone:
		return map[string]string{"contents": "read"}
	case p == pipeline.PurposeReport && checks:
		return map[string]string{"statuses": "write", "checks": "write"}
	case p == pipeline.PurposeReport:
		return map[string]string{"statuses": "write"}
	case p == pipeline.PurposeAsk:
		return map[string]string{"pull_requests": "read"}
	}
	return map[string]string{"metadata": "read"}
}

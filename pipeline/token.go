package pipeline

import "vivarium/pipeline/token"

// Tokens are asked for, and given, in the words of their own package.
type (
	Purpose     = token.Purpose
	TokenSource = token.Source
	FixedToken  = token.Fixed
)

const (
	PurposeClone  = token.Clone
	PurposeReport = token.Report
	PurposeAsk    = token.Ask
	PurposeManage = token.Manage
)

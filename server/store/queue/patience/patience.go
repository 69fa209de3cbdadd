// Package patience decides how long a build waits whose attempt came to nothing by no fault of its
// own, what that costs, and when it is given up: pure functions over what the store has read.
package patience

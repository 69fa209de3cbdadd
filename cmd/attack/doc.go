// Package attack holds the attack suite: what hostile code, hostile repositories and hostile clients try, each tried for
// real against the product, and each with a control that shows that the try would have been noticed had it worked.
//
// `make attack` runs it and prints one line an attack. The programs that run inside sandboxes are Python and stand in
// sandbox/testdata/attacks. Nothing of the product has a switch for the suite: what a removed defence would let through is
// shown by the mutants (`make attack-mutants`), which change the source that the suite is compiled from.
package attack

// Package attack holds the attack suite: what hostile code, hostile repositories and hostile
// clients try. Each attack is tried for real against the product. Each has a control, which shows
// that the attack would have been noticed had it worked.
//
// `make attack` runs it and prints one line an attack. The programs that run inside sandboxes are
// Python and stand in sandbox/testdata/attacks. The product has no switch for the suite. What a
// removed defence would let through is shown by the mutants (`make attack-mutants`), which change
// the source that the suite is compiled from.
package attack

//go:build linux

package main

import "testing"

func TestUserHasOneNameAndTheNameOneUser(t *testing.T) {
	const passwd = "root:x:0:0:root:/root:/bin/bash\nvivarium:x:10001:10001::/home/vivarium:/bin/sh\n" +
		"stranger:x:10042:7::/:/bin/sh\n\nlast:x:5:5::/:/bin/false"
	const want = "root:x:0:0:root:/root:/bin/bash\n\nlast:x:5:5::/:/bin/false\n" +
		"vivarium:x:10042:10001::/home/vivarium:/bin/sh\n"
	if got := string(withUser([]byte(passwd), 10042, 10001)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

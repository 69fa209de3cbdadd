package pipend

import (
	"strings"
	"testing"

	"vivarium/sandbox"
)

// Pieces of what pip 23.0 to 24.2 wrote.
const (
	noGreeter = "ERROR: Could not find a version that satisfies the requirement greeter (from versions: none)\n" +
		"ERROR: No matching distribution found for greeter\n"
	pipInVain = "pip subprocess to install build dependencies did not run successfully."
	end       = "[end of output]\n\nnote: This error originates from a subprocess, and is likely not a problem with pip.\n"
)

// inVain is pip's account of a program that it ran in vain, indented and then once more.
func inVain(program, output, reason string) string {
	said := "error: subprocess-exited-with-error\n\n× " + program + "\n│ exit code: 1\n╰─> [9 lines of output]\n"
	inner := strings.ReplaceAll(said, "\n", "\n  ") + "    " + strings.ReplaceAll(output, "\n", "\n      ") + end
	return "  " + inner + "error: " + reason + "\n\n× " + program + "\n│ exit code: 1\n╰─> See above for output.\n"
}

func TestPipGaveUpOverGettingPackages(t *testing.T) {
	const subprocess = "subprocess-exited-with-error"
	for name, c := range map[string]struct {
		said string
		want bool
	}{
		"no such package": {noGreeter, true},
		"an HTTP error": {
			"  ERROR: HTTP error 502 while getting http://x/greeter-1.0.whl (from http://x/)\n" +
				"ERROR: Could not install requirement greeter from http://x/greeter-1.0.whl because of HTTP error 502 Server " +
				"Error\n",
			true,
		},
		"retries exhausted": {
			"ERROR: Could not install packages due to an OSError: HTTPConnectionPool(host='x', port=1): Max retries exceeded " +
				"with url: /f\n\n",
			true,
		},
		"a broken read": {
			"ERROR: Could not install packages due to an OSError: ('Connection broken: IncompleteRead(3 bytes read)')\n",
			true,
		},
		"a hash": {
			"ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have\n    greeter\n",
			true,
		},
		"a read timed out": {
			"ERROR: Exception:\nTraceback (most recent call last):\n  File \"x\"\nTimeoutError: timed out\n\n" +
				"pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPConnectionPool(host='x', port=1): Read timed out.\n",
			true,
		},
		"build dependencies": {inVain(pipInVain, noGreeter, subprocess), true},
		"retried, then had, then a compile error": {
			"  ERROR: HTTP error 503 while getting http://x/a.whl (from http://x/)\n" +
				inVain(
					"Building wheel for a (pyproject.toml) did not run successfully.", "a.c:1: error: no\n",
					"failed-wheel-build-for-install",
				),
			false,
		},
		"a compile error, of old": {
			"  error: subprocess-exited-with-error\n  \n  × python setup.py bdist_wheel did not run successfully.\n" +
				"      error: command 'gcc' failed\n  ERROR: Failed building wheel for a\n" +
				"ERROR: Could not build wheels for a, which is required to install pyproject.toml-based projects\n",
			false,
		},
		"a backend": {
			inVain(
				"Preparing metadata (pyproject.toml) did not run successfully.", "AttributeError: no\n",
				"metadata-generation-failed",
			),
			false,
		},
		"setup.py says pip's words": {
			inVain("python setup.py egg_info did not run successfully.", noGreeter, "metadata-generation-failed"),
			false,
		},
		"a build dependency's compiler": {
			inVain(pipInVain, inVain("Building wheel for b did not run successfully.", noGreeter,
				"failed-wheel-build-for-install"), subprocess),
			false,
		},
		"no room": {
			"ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
			false,
		},
		"pip's own fault": {"ERROR: Exception:\nTraceback (most recent call last):\nAssertionError\n", false},
		"nothing":         {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			var e Reader
			e.Take(sandbox.Stdout, []byte("\n"+noGreeter))
			for piece := range strings.SplitSeq(strings.ReplaceAll(c.said, "e", "e\x00"), "\x00") {
				e.Take(sandbox.Stderr, []byte(piece))
			}
			if e.Getting() != c.want {
				t.Errorf("got %v, want %v, of\n%s", e.Getting(), c.want, c.said)
			}
		})
	}
}

package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/docker/docker/api/types/image"
)

// A bootstrap installs Debian 12, whose Python is 3.11.
const (
	debianSuite  = "bookworm"
	debianPython = "3.11"
	debianBase   = "debian:" + debianSuite + " (mmdebstrap)"
)

// bootstrap makes a base from a Debian mirror and streams it into the engine. The base has no name
// yet.
func (m *Manager) bootstrap(ctx context.Context, name string, slim bool, progress io.Writer) (base, error) {
	if v := pythonOf(name); v != "" && v != debianPython {
		return base{}, fmt.Errorf("bootstrap a base for runner image %s: Debian 12 holds Python %s", name, debianPython)
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != m.arch {
		return base{}, fmt.Errorf("bootstrap a Debian base for linux/%s: only a machine of that "+
			"kind can, this one is %s/%s", m.arch, runtime.GOOS, runtime.GOARCH)
	}
	if err := needMmdebstrap(ctx, progress); err != nil {
		return base{}, err
	}
	sources := debianSources(os.DirFS("/"))
	fmt.Fprintf(progress, "Bootstrapping Debian 12 from %s; this takes one to three minutes\n",
		withoutPassword(strings.Fields(sources[0])[1]))
	made := mmdebstrap(ctx, packages(slim), sources, progress)
	id, err := m.importRootFS(ctx, made, debianBase)
	if err = errors.Join(made.Close(), err); err != nil {
		return base{}, fmt.Errorf("bootstrap a Debian base: %w", err)
	}
	return base{id: id, desc: debianBase}, nil
}

// needMmdebstrap installs mmdebstrap where that is possible without a question.
func needMmdebstrap(ctx context.Context, progress io.Writer) error {
	if _, err := exec.LookPath("mmdebstrap"); err == nil {
		return nil
	}
	const install = "apt-get install -y --no-install-recommends mmdebstrap debian-archive-keyring"
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("bootstrap a Debian base: mmdebstrap is missing, and so is apt-get to install it")
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("bootstrap a Debian base: mmdebstrap is missing; install it with `sudo "+
			"apt-get update && sudo %s uidmap`", install)
	}
	for _, line := range []string{"apt-get update -q", install + " -q"} {
		fmt.Fprintf(progress, "Installing mmdebstrap: %s\n", line)
		argv := strings.Fields(line)
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = progress, progress
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("install mmdebstrap: `%s`: %w", line, err)
		}
	}
	return nil
}

// bootstrapped is mmdebstrap's output as it comes.
type bootstrapped struct {
	*io.PipeReader
	done chan struct{}
	err  error // how the program ended; valid once done is closed
}

// Close waits for the program's end. It ends the program when not all output was read.
func (b *bootstrapped) Close() error {
	b.PipeReader.Close()
	<-b.done
	return b.err
}

// forgetPasswords is a hook for mmdebstrap: a line of shell whose $1 is the new root. mmdebstrap
// leaves the sources there from which it installed, and every build could read them.
const forgetPasswords = `find "$1/etc/apt" -name '*.list' -exec sed -i -E 's,://[^/ ]*@,://,g' {} +`

// mmdebstrap starts the program and returns its output, the root file system as a tar.
func mmdebstrap(ctx context.Context, packages, sources []string, progress io.Writer) *bootstrapped {
	args := []string{
		"--variant=minbase", "--include=" + strings.Join(packages, ","), "--customize-hook=" + forgetPasswords,
	}
	for _, line := range leftOut {
		args = append(args, "--dpkgopt="+line)
	}
	args = append(append(args, debianSuite, "-"), sources...)
	last := &tail{limit: 2 << 10}
	cmd := exec.CommandContext(ctx, "mmdebstrap", args...)
	// After an interrupt it unmounts what it has mounted; after a kill it could not.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, io.MultiWriter(progress, last)
	b := &bootstrapped{PipeReader: r, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		if err := cmd.Run(); err != nil {
			b.err = fmt.Errorf("mmdebstrap: %w:\n%s", err, last)
		}
		w.CloseWithError(b.err) // a tar that broke off must not look like one that ended
	}()
	return b
}

// importRootFS makes an unnamed image from a root file system.
func (m *Manager) importRootFS(ctx context.Context, tar io.Reader, desc string) (id string, err error) {
	answer, err := m.cli.ImageImport(ctx, image.ImportSource{Source: tar, SourceName: "-"}, "",
		image.ImportOptions{
			Platform: "linux/" + m.arch,
			Changes:  []string{fmt.Sprintf("LABEL %s=%q", labelBase, desc)},
		})
	if err == nil {
		err = messages(answer, func(msg message) {
			if strings.HasPrefix(msg.Status, "sha256:") {
				id = msg.Status
			}
		})
		answer.Close()
	}
	if err != nil {
		return "", fmt.Errorf("import root file system: %w", err)
	}
	if id == "" {
		return "", errors.New("import root file system: the engine did not say what image it made")
	}
	return id, nil
}

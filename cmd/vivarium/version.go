package main

import (
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"vivarium/images"
	"vivarium/pipeline/python/schema"
)

// version is set by the linker: -X main.version=v1.2.3.
var version string

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit, and the init programs that are built in",
		Example: "  vivarium version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := readBuild()
			inits, err := images.Embedded()
			if err != nil {
				return fmt.Errorf("cannot read the init programs that are built in: %w", err)
			}
			fmt.Fprintf(a.stdout, "vivarium %s\ncommit   %s\ngo       %s %s/%s\n",
				b.version, b.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			for _, arch := range slices.Sorted(maps.Keys(inits)) {
				fmt.Fprintf(a.stdout, "init     linux/%s sha256:%s\n", arch, inits[arch])
			}
			if len(inits) == 0 {
				fmt.Fprintln(a.stdout, "init     none: build with `make build`")
			}
			return nil
		},
	}
}

func newSchema(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of [tool.vivarium], for editors",
		Example: "  vivarium schema > vivarium.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(a.stdout, schema.Text)
			return err
		},
	}
}

// build is what the binary knows about how it was made.
type build struct{ version, commit string }

func readBuild() build {
	b := build{version: version, commit: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if b.version == "" {
		b.version = info.Main.Version
	}
	if b.version == "" {
		b.version = "(devel)"
	}
	dirty := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " (modified)"
		}
	}
	b.commit += dirty
	return b
}

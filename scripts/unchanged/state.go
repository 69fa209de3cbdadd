package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
)

// state is everything that was looked at, by name, and how it was found.
type state map[string]string

// compare says what is new, gone or changed.
func compare(before, after state) []error {
	names := maps.Clone(before)
	maps.Copy(names, after)
	var changes []error
	for _, name := range slices.Sorted(maps.Keys(names)) {
		old, was := before[name]
		now, is := after[name]
		switch {
		case !was:
			changes = append(changes, fmt.Errorf("%s is new: %s", name, now))
		case !is:
			changes = append(changes, fmt.Errorf("%s is gone: it was %s", name, old))
		case old != now:
			changes = append(changes, fmt.Errorf("%s was\n%s\nand is\n%s", name, old, now))
		}
	}
	return changes
}

func look(ctx context.Context, cli *client.Client) (state, error) {
	s := state{}
	for _, part := range []func(context.Context, *client.Client) error{
		s.addEngine, s.addContainers, s.addImages, s.addNetworks, s.addVolumes,
	} {
		if err := part(ctx, cli); err != nil {
			return nil, fmt.Errorf("look at the machine's engine: %w", err)
		}
	}
	return s, s.addMachine(ctx)
}

func (s state) addEngine(ctx context.Context, cli *client.Client) error {
	info, err := cli.Info(ctx)
	if err != nil {
		return err
	}
	runtimes := slices.Sorted(maps.Keys(info.Runtimes))
	s["the engine"] = fmt.Sprintf("%s, version %s, data in %s, runtimes %s and by default %s",
		info.ID, info.ServerVersion, info.DockerRootDir, runtimes, info.DefaultRuntime)
	return nil
}

func (s state) addContainers(ctx context.Context, cli *client.Client) error {
	list, err := cli.ContainerList(ctx, container.ListOptions{All: true})
	for _, c := range list {
		s["container "+c.ID[:12]] = fmt.Sprintf("%s of image %s, %s", strings.Join(c.Names, " "), c.Image, c.State)
	}
	return err
}

// ours are the names of the images that tests make and keep.
var ours = regexp.MustCompile(`^vivarium(-test/|/(base|tools):)`)

func (s state) addImages(ctx context.Context, cli *client.Client) error {
	list, err := cli.ImageList(ctx, image.ListOptions{})
	for _, i := range list {
		for _, tag := range i.RepoTags {
			if !ours.MatchString(tag) {
				s["image "+tag] = i.ID
			}
		}
	}
	return err
}

func (s state) addNetworks(ctx context.Context, cli *client.Client) error {
	list, err := cli.NetworkList(ctx, network.ListOptions{})
	for _, n := range list {
		text, err := json.Marshal([]any{n.ID, n.Driver, n.IPAM, n.Options})
		if err != nil {
			return err
		}
		s["network "+n.Name] = string(text)
	}
	return err
}

func (s state) addVolumes(ctx context.Context, cli *client.Client) error {
	list, err := cli.VolumeList(ctx, volume.ListOptions{})
	for _, v := range list.Volumes {
		s["volume "+v.Name] = v.Mountpoint
	}
	return err
}

// configuration is where engines read their configuration.
const configuration = "/etc/docker/daemon.json"

// addMachine looks at what an engine has outside itself. It leaves out what the caller may not see
// or the machine does not have.
func (s state) addMachine(ctx context.Context) error {
	text, err := os.ReadFile(configuration)
	switch {
	case err == nil:
		s[configuration] = fmt.Sprintf("SHA-256 %x", sha256.Sum256(text))
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission):
		return err
	}
	if out, err := exec.CommandContext(ctx, "ip", "-oneline", "link", "show", "docker0").Output(); err == nil {
		s["the link of docker0"] = link(string(out))
	}
	if out, err := exec.CommandContext(ctx, "ip", "-oneline", "-4", "address", "show", "docker0").Output(); err == nil {
		s["the address of docker0"] = strings.TrimSpace(string(out))
	}
	for _, program := range []string{"iptables-save", "ip6tables-save"} {
		if out, err := exec.CommandContext(ctx, program).Output(); err == nil {
			s["what "+program+" says"] = rules(string(out))
		}
	}
	return nil
}

// carrier is what changes in a link while a container uses it.
var carrier = regexp.MustCompile(`<[^>]*>|\bstate \S+|\bqdisc \S+`)

func link(text string) string { return strings.TrimSpace(carrier.ReplaceAllString(text, "")) }

// counts are the packets and bytes that a rule has seen.
var counts = regexp.MustCompile(`\[\d+:\d+\]`)

// rules leaves out dates and counts.
func rules(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			kept = append(kept, counts.ReplaceAllString(strings.TrimSpace(line), ""))
		}
	}
	return strings.Join(kept, "\n")
}

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vivarium/cmd/vivarium/console"
	"vivarium/images"
	"vivarium/sandbox/quantity"
)

func newImages(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "images",
		Short:   "Make, list, move and remove runner images",
		Long:    "A runner image is what sandboxes start from: a base with Python and git, and vivarium-init.",
		Example: "  vivarium images build\n  vivarium images list",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newImagesBuild(a), newImagesList(a), newImagesInspect(a), newImagesImport(a), newImagesExport(a),
		newImagesRemove(a))
	return cmd
}

// withImages runs f on the engine's runner images.
func (a *app) withImages(ctx context.Context, f func(*images.Manager) error) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	m, err := openImages(ctx, c, log)
	if err != nil {
		return err
	}
	return errors.Join(f(m), m.Close())
}

// imageName is the name that a command was given, or the default.
func imageName(args []string) string { return append(args, images.Default)[0] }

// imageError says what could not be done with an image.
func imageError(act, name string, err error) error {
	if errors.Is(err, images.ErrNotFound) {
		return fmt.Errorf("cannot %s runner image %s: the engine has none of that name; `vivarium images list` "+
			"shows those there are", act, name)
	}
	return fmt.Errorf("cannot %s runner image %s: %w", act, name, err)
}

func newImagesBuild(a *app) *cobra.Command {
	options := images.BuildOptions{Progress: a.stderr}
	cmd := &cobra.Command{
		Use:   "build [NAME]",
		Short: "Make a runner image anew from its base",
		Long: "Build makes a runner image from a base: one of a registry, or else one that is bootstrapped\n" +
			"from a Debian mirror. NAME is " + images.Default + " unless given.",
		Example: "  vivarium images build\n  vivarium images build python-3.12 --from python:3.12-slim-bookworm",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withImages(cmd.Context(), func(m *images.Manager) error {
				img, err := m.Build(cmd.Context(), imageName(args), options)
				if err != nil {
					return imageError("build", imageName(args), err)
				}
				return printImage(a.stdout, img)
			})
		},
	}
	cmd.Flags().StringVar(&options.From, "from", "", "base: a registry reference, or debian (default: try both)")
	cmd.Flags().BoolVar(&options.Slim, "slim", false,
		"leave out what only tests use: a C compiler, make, tkinter, curl …")
	return cmd
}

func newImagesList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the runner images of the engine",
		Example: "  vivarium images list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withImages(cmd.Context(), func(m *images.Manager) error {
				list, err := m.List(cmd.Context())
				if err != nil {
					return fmt.Errorf("cannot list runner images: %w", err)
				}
				return printImages(a.stdout, list)
			})
		},
	}
}

func printImages(w io.Writer, list []images.Image) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tPYTHON\tFLAVOUR\tARCH\tSIZE\tCREATED\tBASE")
	for _, i := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.Name, i.Python, i.Flavour, i.Arch, quantity.Bytes(i.Size),
			localTime(i.Created), i.Base)
	}
	return t.Flush()
}

func newImagesInspect(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "inspect [NAME]",
		Short:   "Show what a runner image is made of",
		Example: "  vivarium images inspect " + images.Default,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withImages(cmd.Context(), func(m *images.Manager) error {
				list, err := m.List(cmd.Context())
				if err != nil {
					return imageError("inspect", imageName(args), err)
				}
				for _, img := range list {
					if img.Name == imageName(args) {
						return printImage(a.stdout, img)
					}
				}
				return imageError("inspect", imageName(args), images.ErrNotFound)
			})
		},
	}
}

func printImage(w io.Writer, i images.Image) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "name\t%s\nid\t%s\npython\t%s\nflavour\t%s\nbase\t%s\ninit\tsha256:%s\n",
		i.Name, i.ID, i.Python, i.Flavour, i.Base, i.Init)
	fmt.Fprintf(t, "arch\t%s\nsize\t%s\ncreated\t%s\n", i.Arch, quantity.Bytes(i.Size), localTime(i.Created))
	return t.Flush()
}

func newImagesImport(a *app) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Take an exported runner image, or a root file system as a tar",
		Long: "Import takes what `vivarium images export` wrote, or the tar of a root file system with\n" +
			"Python, pip and git, and says which of the two it was. FILE - is standard input.",
		Example: "  vivarium images import image.tar\n  vivarium images import --name " + images.Default +
			" rootfs.tar.zst",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withImages(cmd.Context(), func(m *images.Manager) error {
				return a.importImage(cmd.Context(), m, name, args[0])
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", images.Default, "name of the runner image that a root file system becomes")
	return cmd
}

func (a *app) importImage(ctx context.Context, m *images.Manager, name, file string) error {
	in := a.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("cannot import: %w", err)
		}
		defer f.Close()
		in = f
	}
	img, kind, err := m.Import(ctx, name, in, a.stderr)
	if err != nil {
		return fmt.Errorf("cannot import %s: %w", file, err)
	}
	fmt.Fprintf(a.stdout, "imported from: %s\n", kind)
	return printImage(a.stdout, img)
}

func newImagesExport(a *app) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "export [NAME]",
		Short:   "Write a runner image to a file or to standard output, for import elsewhere",
		Example: "  vivarium images export " + images.Default + " --output image.tar",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if output == "" && console.TerminalOf(a.stdout, nil).Interactive {
				return errors.New("cannot export to a terminal; name a file with --output")
			}
			return a.withImages(cmd.Context(), func(m *images.Manager) error {
				err := a.exportImage(output, func(w io.Writer) error {
					return m.Export(cmd.Context(), imageName(args), w)
				})
				if err != nil {
					return imageError("export", imageName(args), err)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write (default: standard output)")
	return cmd
}

// exportImage writes to standard output, or to a file, which appears only when it is whole.
func (a *app) exportImage(file string, export func(io.Writer) error) error {
	if file == "" {
		return export(a.stdout)
	}
	switch info, err := os.Stat(file); {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder; name a file in it", file)
	case err == nil && !info.Mode().IsRegular(): // such as /dev/null, which no file may replace
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(export(f), f.Close())
	}
	// A name of its own: another export to the same file may be under way.
	part := file + "." + rand.Text()[:8] + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	err = errors.Join(export(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(part, file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return nil
}

func newImagesRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "rm NAME",
		Short:   "Remove a runner image with its layers",
		Example: "  vivarium images rm python-3.12",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withImages(cmd.Context(), func(m *images.Manager) error {
				if err := m.Remove(cmd.Context(), args[0]); err != nil {
					return imageError("remove", args[0], err)
				}
				fmt.Fprintf(a.stdout, "removed %s\n", args[0])
				return nil
			})
		},
	}
}

// Package ownfiles keeps the operator's own files in a checkout, in place of the repository's.
package ownfiles

import (
	"bytes"
	"context"
	"fmt"
	"maps"

	"vivarium/pipeline/fixed"
	"vivarium/pipeline/python"
	"vivarium/sandbox"
)

// Remove removes paths below a folder of the sandbox, as far as that can be done.
type Remove func(ctx context.Context, dir string, paths []string) error

// Keeper keeps what is fixed of one checkout. Its zero value keeps nothing.
type Keeper struct {
	Part fixed.Part
	Laid fixed.Laid // what came of the repository's files, after Lay
	own  fixed.Files
}

// Wants reports whether the operator's own files are still to be taken.
func (k *Keeper) Wants() bool { return k.Part.Overlay.Repository != "" && k.own == nil }

// Take takes the operator's own files out of a folder of the sandbox. Kept on the server, they cannot be
// changed by what is built. Its error is a *FilesError where they are not as they must be.
func (k *Keeper) Take(ctx context.Context, s *sandbox.Sandbox, dir string) error {
	packed, err := s.Archive(ctx, dir, ".")
	if err != nil {
		return err
	}
	defer packed.Close()
	own, err := fixed.ReadTar(packed, k.Part.Overlay.Folder)
	if err != nil {
		return &FilesError{err}
	}
	k.own = own
	return nil
}

// FilesError says what is wrong with the operator's own files.
type FilesError struct{ error }

// TamperedError says that the operator's own files cannot be put back, for what the repository did.
type TamperedError struct{ what string }

func (e *TamperedError) Error() string { return e.what }

// Lay puts the operator's own files where they belong, and takes away what of the repository's stands
// at protected paths. Of a checkout that is too large to look through there is no plan.
func (k *Keeper) Lay(ctx context.Context, s *sandbox.Sandbox, remove Remove) error {
	if !k.Part.Places() {
		return nil
	}
	survey, err := s.Survey(ctx, python.Listing)
	if err != nil || survey.Truncated {
		return err
	}
	removed := k.Part.Removed(survey.Files, k.own)
	contents := map[string][]byte{}
	for _, paths := range Chunks(k.own.Compared(survey.Files)) {
		some, err := s.Read(ctx, python.Contents(paths))
		if err != nil {
			return err
		}
		maps.Copy(contents, some)
	}
	k.Laid = k.Part.Lay(survey.Files, removed, contents, k.own)
	if err := remove(ctx, sandbox.Workspace, removed); err != nil {
		return err
	}
	return k.put(ctx, s)
}

// LayAgain does the same once programs of the repository have run, which could change the tree. Its
// error is a *TamperedError where the tree cannot be put right.
func (k *Keeper) LayAgain(ctx context.Context, s *sandbox.Sandbox, remove Remove) error {
	if !k.Part.Places() {
		return nil
	}
	for try := range 2 {
		survey, err := s.Survey(ctx, python.Listing)
		if err != nil {
			return err
		}
		if survey.Truncated {
			return &TamperedError{"the checkout cannot be looked through any more, so that the operator's own files " +
				"cannot be put back"}
		}
		left := k.Part.Removed(survey.Files, k.own)
		switch {
		case len(left) == 0:
			return k.put(ctx, s)
		case try > 0:
			return &TamperedError{fmt.Sprintf("%s cannot be removed, where the operator's own files belong", left[0])}
		}
		if err := remove(ctx, sandbox.Workspace, left); err != nil {
			return err
		}
	}
	return nil
}

// put puts the operator's own files into the checkout.
func (k *Keeper) put(ctx context.Context, s *sandbox.Sandbox) error {
	if len(k.own) == 0 {
		return nil
	}
	packed, err := k.own.Tar()
	if err != nil {
		return &FilesError{err}
	}
	return s.PutArchive(ctx, sandbox.Workspace, bytes.NewReader(packed))
}

// maxNames bounds the paths of one request or one command line, in bytes.
const maxNames = 64 << 10

// Chunks divides paths into lists that are short enough for one request or command line.
func Chunks(paths []string) [][]string {
	var chunks [][]string
	for begin := 0; begin < len(paths); {
		end, names := begin+1, len(paths[begin])
		for end < len(paths) && names+len(paths[end]) < maxNames {
			names += len(paths[end])
			end++
		}
		chunks = append(chunks, paths[begin:end])
		begin = end
	}
	return chunks
}

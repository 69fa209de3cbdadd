//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"vivarium/sandbox/wire"
)

// readFiles sends what stands in some files.
func readFiles(op *operation, req *wire.Read) error {
	root, err := os.OpenRoot(req.Dir)
	if err != nil {
		return fmt.Errorf("read files: %w", err)
	}
	defer root.Close()
	ctx, cancel := op.canceled()
	defer cancel()
	defer context.AfterFunc(ctx, func() { op.stream.Close() })()
	room := req.MaxTotal
	for _, name := range texts(req.Paths) {
		data, ok := readFile(root, name, min(room, req.MaxBytes))
		if !ok {
			continue
		}
		room -= int64(len(data))
		content := &wire.Content{Path: []byte(name), Size: int64(len(data))}
		if err := op.out.Header(wire.Reply{Content: content}); err != nil {
			return err
		}
		if _, err := (dataWriter{op.out}).Write(data); err != nil {
			return err
		}
	}
	return nil
}

// readFile reads a regular file of at most most bytes.
func readFile(root *os.Root, name string, most int64) (data []byte, ok bool) {
	file, err := openRegular(root, name)
	if err != nil {
		return nil, false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > most {
		return nil, false
	}
	// No more than the size that was checked, even if the file has grown.
	data, err = io.ReadAll(io.LimitReader(file, info.Size()))
	return data, err == nil
}

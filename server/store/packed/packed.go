// Package packed compresses what a database keeps of builds: pieces of logs, results of tests.
package packed

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Most is how many bytes a piece has at most before compression. A piece that is told to unpack to
// more is damaged.
const Most = 64 << 20

// window is how far back repetitions are found, and with it what an encoder holds in memory: by
// default it would be 8 MiB, for pieces of about 1 MiB.
const window = 1 << 20

var (
	encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil,
			zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(window))
	})
	decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(Most))
	})
)

// Pack compresses a piece.
func Pack(raw []byte) ([]byte, error) {
	enc, err := encoder()
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return enc.EncodeAll(raw, nil), nil
}

// Unpack is the piece that Pack was given.
func Unpack(packed []byte) ([]byte, error) {
	dec, err := decoder()
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	raw, err := dec.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return raw, nil
}

package buildlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/database"
	"vivarium/server/store/packed"
)

// A block is a run of chunks of a build that has ended. Before compression it is a version byte,
// and of each chunk attempt, time, omitted, step, stream and data: numbers as varints, the others
// with their length before them. The numbers of the chunks follow from the first one's, since there
// are no holes.

const blockVersion = 1

var errBlock = errors.New("the compressed log is damaged")

func pack(chunks []Chunk) ([]byte, error) {
	raw := []byte{blockVersion}
	for _, c := range chunks {
		raw = binary.AppendVarint(raw, int64(c.Attempt))
		raw = binary.AppendVarint(raw, database.Micros(c.Time))
		raw = binary.AppendVarint(raw, c.Omitted)
		raw = appendBytes(raw, []byte(c.Step))
		raw = appendBytes(raw, []byte(c.Stream))
		raw = appendBytes(raw, c.Data)
	}
	return packed.Pack(raw)
}

func appendBytes(b, field []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(field))), field...)
}

func unpack(first int64, block []byte) ([]Chunk, error) {
	raw, err := packed.Unpack(block)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBlock, err)
	}
	if len(raw) == 0 || raw[0] != blockVersion {
		return nil, errBlock
	}
	r := blockReader{rest: raw[1:]}
	var chunks []Chunk
	for seq := first; len(r.rest) > 0 && !r.bad; seq++ {
		chunks = append(chunks, Chunk{
			Seq:     seq,
			Attempt: int(r.number()),
			Time:    time.UnixMicro(r.number()).UTC(),
			Omitted: r.number(),
			Step:    pipeline.StepName(r.bytes()),
			Stream:  pipeline.Stream(r.bytes()),
			Data:    r.bytes(),
		})
	}
	if r.bad {
		return nil, errBlock
	}
	return chunks, nil
}

type blockReader struct {
	rest []byte
	bad  bool
}

func (r *blockReader) number() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *blockReader) bytes() []byte {
	size, n := binary.Uvarint(r.rest)
	if n <= 0 || size > uint64(len(r.rest)-n) {
		r.bad, r.rest = true, nil
		return nil
	}
	field := r.rest[n : n+int(size)]
	r.rest = r.rest[n+int(size):]
	return field
}

// blockRow is a block as GORM sees it.
type blockRow struct {
	BuildID  int64 `gorm:"primaryKey;autoIncrement:false"`
	FirstSeq int64 `gorm:"primaryKey;autoIncrement:false"`
	LastSeq  int64
	Data     []byte
	Line     int64 // as its first chunk's
}

func (blockRow) TableName() string { return "log_blocks" }

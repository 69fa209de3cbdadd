package testruns

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"

	"gorm.io/gorm/clause"

	"vivarium/pipeline/results"
	"vivarium/server/store/database"
)

// blockSize is how many bytes of results one block holds before compression.
const blockSize = 1 << 20

// Writer stores the results of one attempt. It is for one goroutine.
type Writer struct {
	build   int64
	attempt int

	seed   maphash.Seed
	known  map[uint64]place       // the results that are kept, by Run, ID and Sub
	red    map[int64]results.Test // those that are rows, by number
	seq    int64                  // the last number
	counts Counts
	bytes  int // of all that is kept
	detail int // of the rows' details

	// Not stored yet.
	changed map[int64]bool // of red
	entries []entry
	size    int // of entries
	counted bool
}

// place is where a result is kept.
type place struct {
	seq     int64
	outcome results.Outcome
}

// NewWriter is for an attempt of which nothing is stored yet.
func NewWriter(build int64, attempt int) *Writer {
	return &Writer{
		build: build, attempt: attempt, seed: maphash.MakeSeed(),
		known: map[uint64]place{}, red: map[int64]results.Test{}, changed: map[int64]bool{},
	}
}

// Add takes a result. One with a Run, ID and Sub that it was given before replaces that one, but never a
// red one by another that is not.
func (w *Writer) Add(t results.Test) {
	t = bounded(t)
	key := w.key(t)
	old, known := w.known[key]
	switch {
	case !t.Outcome.Known():
	case !known:
		w.append(key, t)
	case t.Outcome.Red() || t.Outcome == old.outcome:
		w.replace(key, old, t)
	}
}

func (w *Writer) key(t results.Test) uint64 {
	var h maphash.Hash
	h.SetSeed(w.seed)
	h.WriteString(strconv.Itoa(t.Run))
	h.WriteByte(0)
	h.WriteString(t.ID)
	h.WriteByte(0)
	h.WriteString(t.Sub)
	return h.Sum64()
}

// append keeps one more result, as far as the bounds let it.
func (w *Writer) append(key uint64, t results.Test) {
	size := newEntry(0, t).size()
	if len(w.known) >= mostTests || w.bytes+size > mostBytes {
		if t.Again == results.NotTried { // else it was counted when it came first
			w.counts.Count(t.Outcome, 1)
			w.counts.LeftOut++
			w.counted = true
		}
		return
	}
	w.counts.Count(t.Outcome, 1)
	w.counted = true
	w.bytes += size
	w.seq++
	w.known[key] = place{w.seq, t.Outcome}
	if t.Outcome.Red() && len(w.red) < mostFailures {
		w.put(w.seq, t)
		return
	}
	w.entries = append(w.entries, newEntry(w.seq, t))
	w.size += size
}

// replace puts t in the place of an older result. What t does not know stays.
func (w *Writer) replace(key uint64, old place, t results.Test) {
	before, isRow := w.red[old.seq]
	if !isRow && (!t.Outcome.Red() || len(w.red) >= mostFailures) {
		return // blocks are not written again
	}
	if isRow {
		t.At = before.At
		t.Duration = cmp.Or(before.Duration, t.Duration)
		t.Reason = cmp.Or(t.Reason, before.Reason)
		t.Traceback = cmp.Or(t.Traceback, before.Traceback)
		t.Output = cmp.Or(t.Output, before.Output)
		if t.Path == "" {
			t.Path, t.Line = before.Path, before.Line
		}
		if len(t.Asked) == 0 {
			t.Asked = before.Asked
		}
		w.detail -= detailOf(before)
	}
	w.counts.Count(old.outcome, -1)
	w.counts.Count(t.Outcome, 1)
	w.counted = true
	w.known[key] = place{old.seq, t.Outcome}
	w.put(old.seq, t)
}

// put makes t a row, without its details where there are too many.
func (w *Writer) put(seq int64, t results.Test) {
	if w.detail+detailOf(t) > mostDetails {
		t.Traceback, t.Output = "", ""
	}
	w.detail += detailOf(t)
	w.red[seq] = t
	w.changed[seq] = true
}

func detailOf(t results.Test) int { return len(t.Traceback) + len(t.Output) }

// Waits reports whether there are results that wait until they fill a block.
func (w *Writer) Waits() bool { return len(w.entries) > 0 }

// Put stores what came since it was last called, as part of tx. Results that are no rows wait until
// they fill a block, unless all is to be stored.
func (w *Writer) Put(tx *database.Tx, all bool) error {
	if err := w.putAll(tx, all); err != nil {
		return fmt.Errorf("store results of tests: %w", err)
	}
	return nil
}

func (w *Writer) putAll(tx *database.Tx, all bool) error {
	if w.counted {
		row := newRunRow(w.build, w.attempt, w.counts)
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return err
		}
		w.counted = false
	}
	if err := w.putFailures(tx); err != nil {
		return err
	}
	for len(w.entries) > 0 && (all || w.size >= blockSize) {
		if err := w.putBlock(tx); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) putFailures(tx *database.Tx) error {
	var rows []failureRow
	for _, seq := range slices.Sorted(maps.Keys(w.changed)) {
		row, err := newFailureRow(w.build, w.attempt, seq, w.red[seq])
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	clear(w.changed)
	if len(rows) == 0 {
		return nil
	}
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(rows, 100).Error
}

// putBlock stores as many results as one block takes.
func (w *Writer) putBlock(tx *database.Tx) error {
	size, n := 0, 0
	for n < len(w.entries) && size < blockSize {
		size += w.entries[n].size()
		n++
	}
	data, err := pack(w.entries[:n])
	if err != nil {
		return err
	}
	row := blockRow{
		BuildID: w.build, Attempt: w.attempt, FirstSeq: w.entries[0].Seq, LastSeq: w.entries[n-1].Seq, Data: data,
	}
	w.entries, w.size = w.entries[n:], w.size-size
	return tx.Create(&row).Error
}

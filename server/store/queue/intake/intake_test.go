package intake

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// begun is an intake whose first delivery is being worked on, with three more that came meanwhile.
// answers has what the three get.
func begun(t *testing.T) (in *Intake[int, int], first *Batch[int, int], work func(), answers func() map[int]error) {
	in = &Intake[int, int]{}
	first = in.Join(0).Batch()
	if first == nil || !slices.Equal(first.Pushes, []int{0}) {
		t.Fatalf("the first delivery's caller is to work on %+v", first)
	}
	var mu sync.Mutex
	var callers sync.WaitGroup
	got := map[int]error{}
	batches := make(chan *Batch[int, int], 3)
	for n := 1; n <= 3; n++ {
		place := in.Join(n)
		callers.Go(func() {
			if b := place.Batch(); b != nil {
				batches <- b
			}
			result, err := place.Result()
			mu.Lock()
			defer mu.Unlock()
			if got[n] = err; err == nil && result != n {
				t.Errorf("delivery %d got the result %d", n, result)
			}
		})
	}
	work = func() {
		b := <-batches
		if !slices.Equal(b.Pushes, []int{1, 2, 3}) {
			t.Errorf("the next batch is %v", b.Pushes)
		}
		defer b.End()
		for i, n := range b.Pushes {
			if n != 2 { // one is forgotten
				b.Answer(i, n, nil)
			}
		}
	}
	return in, first, work, func() map[int]error { callers.Wait(); return got }
}

func TestThoseWhoComeMeanwhileAreTheNextBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, first, work, answers := begun(t)
		first.Answer(0, 0, nil)
		first.End()
		work()
		got := answers()
		if got[1] != nil || got[3] != nil || !errors.Is(got[2], ErrUnanswered) {
			t.Errorf("they got %v; want an error for the forgotten one alone", got)
		}
		if in.Join(7).Batch() == nil {
			t.Error("after all have their answers nobody works")
		}
	})
}

// TestABatchThatEndsUnansweredStopsNobody: its caller has panicked, for example.
func TestABatchThatEndsUnansweredStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := &Intake[int, int]{}
		place := in.Join(0)
		place.Batch().End()
		if _, err := place.Result(); !errors.Is(err, ErrUnanswered) {
			t.Errorf("got %v, want ErrUnanswered", err)
		}
		next := in.Join(1)
		b := next.Batch()
		b.Answer(0, 1, nil)
		b.Answer(0, 5, ErrUnanswered) // counts for nothing
		b.End()
		if got, err := next.Result(); got != 1 || err != nil {
			t.Errorf("the next got %d, %v", got, err)
		}
	})
}

func TestABatchIsBounded(t *testing.T) {
	in := &Intake[int, int]{}
	first := in.Join(0).Batch()
	places := make([]*Place[int, int], most+1)
	for i := range places {
		places[i] = in.Join(i)
	}
	first.End()
	b := places[0].Batch()
	if len(b.Pushes) != most {
		t.Errorf("a batch has %d deliveries, want %d", len(b.Pushes), most)
	}
	b.End()
	if b := places[most].Batch(); b == nil || !slices.Equal(b.Pushes, []int{most}) {
		t.Errorf("the one that was left over works on %+v", b)
	}
}

package queue_test

import (
	"context"
	"fmt"
	"os"

	"vivarium/pipeline"
)

// serveUntilKilled is the child process of the crash test: it begins the build that waits and is
// killed in it.
func serveUntilKilled(dir string) {
	s, err := Open(context.Background(), Options{DataDir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	err = s.Serve(context.Background(), Work{
		Workers: 1,
		Build: func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
			if err := say(ctx, rec, pipeline.StepClone, "first attempt\n"); err != nil {
				return pipeline.Outcome{}, err
			}
			fmt.Println("building")
			<-ctx.Done()
			return pipeline.Outcome{}, ctx.Err()
		},
	}, func() {})
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

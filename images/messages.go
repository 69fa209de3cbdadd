package images

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// message is one of the JSON values in which an engine reports the progress of a pull, an import or
// a load.
type message struct {
	Status string `json:"status"`
	Stream string `json:"stream"`
	ID     string `json:"id"`
	Error  string `json:"error"`
}

// messages passes each message on until the stream ends. An error among them ends it and is
// returned.
func messages(r io.Reader, each func(message)) error {
	d := json.NewDecoder(r)
	for {
		var m message
		err := d.Decode(&m)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the engine's answer: %w", err)
		case m.Error != "":
			return errors.New(m.Error)
		}
		each(m)
	}
}

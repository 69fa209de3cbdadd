package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// takenUntil is an engine on which the users below index n are taken. It answers in the words of
// engine 20.10.
func takenUntil(t *testing.T, n int, asked *int) *Engine {
	return fakeEngine(t, func(w http.ResponseWriter, r *http.Request) {
		*asked++
		name := r.URL.Query().Get("name")
		w.Header().Set("Content-Type", "application/json")
		if *asked <= n {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprintf(w,
				`{"message":"Conflict. The container name \"/%s\" is already in use by container \"1234\"."}`, name)
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"Id":%q}`, name)
	})
}

func TestAUserThatIsTakenIsPassedBy(t *testing.T) {
	asked := 0
	e := takenUntil(t, 2, &asked)
	spec, made, err := e.create(t.Context(), Spec{})
	if err != nil || asked != 3 || spec.User() != FirstUser+2 || made.ID != spec.containerName() {
		t.Errorf("asked %d times, got user %d, container %q, %v; want the third user", asked, spec.User(), made.ID, err)
	}
}

func TestThatAllUsersAreTakenIsSaid(t *testing.T) {
	asked := 0
	_, _, err := takenUntil(t, Users, &asked).create(t.Context(), Spec{})
	if err == nil || asked != Users || !strings.Contains(err.Error(), "all 1000 users for sandboxes are taken") {
		t.Errorf("asked %d times, got %v", asked, err)
	}
}

// TestUsersFitEnginesThatMapThem: rootless engines and those with userns-remap, which have 65536
// ids, have them all.
func TestUsersFitEnginesThatMapThem(t *testing.T) {
	if last := (Spec{userIndex: Users - 1}).User(); FirstUser <= 0 || last >= 65534 { // the last two are nobody's
		t.Errorf("users from %d to %d", FirstUser, last)
	}
}

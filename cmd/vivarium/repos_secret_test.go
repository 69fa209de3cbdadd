package main

import (
	"bytes"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/people"
)

func TestReposSecretPrintsOnlyWhatOpensTheRepository(t *testing.T) {
	s := emptyStore(t)
	organization, err := s.Entries.Add(t.Context(), people.Actor{}, registry.Organization, "corp/*")
	if err != nil {
		t.Fatal(err)
	}
	group, err := s.Entries.Add(t.Context(), people.Actor{}, registry.Pattern, "school/*")
	if err != nil {
		t.Fatal(err)
	}
	for name, via := range map[string]registry.Entry{"corp/tool": organization, "school/seen": group, "team/app": {},
		"school/before": {}} {
		if err := s.Entries.Heard(t.Context(), via, pipeline.Repository{FullName: name}); err != nil {
			t.Fatal(err)
		}
	}
	for name, own := range map[string]bool{
		"corp/*": true, "school/seen": true, "school/before": true, "school/new": true, "corp/tool": false,
		"corp/new": false, "team/app": false, "school/*": false,
	} {
		var out bytes.Buffer
		r := &repos{Store: s, app: &app{stdout: &out}, key: []byte("the operator's key of this test..")}
		err := r.secret(t.Context(), name)
		if printed := strings.Contains(out.String(), registry.Secret(r.key, name, 0)); printed != own ||
			(err == nil) != own {
			t.Errorf("%s: printed %q, %v", name, out.String(), err)
		}
	}
}

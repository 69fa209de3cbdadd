package doctor

import (
	"strings"
	"testing"

	"vivarium/server/notify"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/notices"
	"vivarium/server/store/storetest"
)

func TestDoctorSaysWhoIsToldAndHidesHow(t *testing.T) {
	targets, err := notify.Parse("mailto:team@example.org,octo/*=slack+https://hooks.slack.example/secret")
	if err != nil {
		t.Fatal(err)
	}
	n := notices.New(databasetest.SQLite(t), storetest.Log(t), targets)
	for _, mail := range []bool{true, false} {
		var got []Finding
		Notify(t.Context(), New(func(f Finding) { got = append(got, f) }), n, targets, mail)
		last := got[len(got)-1]
		if last.Level != Fine || !strings.Contains(last.Text, "team@example.org, slack for octo/*") {
			t.Errorf("got %+v", got)
		}
		if lacks := got[0].Level == Advice && strings.Contains(got[0].Text, "VIVARIUM_SMTP"); lacks == mail {
			t.Errorf("with a mail server %t: %+v", mail, got)
		}
		for _, f := range got {
			if strings.Contains(f.Text, "secret") {
				t.Errorf("shown: %+v", f)
			}
		}
	}
}

package people

import (
	"regexp"
	"strings"

	"vivarium/server/store/database"
)

// HideInAudit puts a pseudonym into every line of the audit that names a repository, and counts them.
func HideInAudit(tx *database.Tx, key, pseudonym string) (int64, error) {
	var rows []auditRow
	like := database.Containing(key)
	err := tx.Where(
		`lower(who) LIKE ? ESCAPE '\' OR lower(what) LIKE ? ESCAPE '\' OR lower(object) LIKE ? ESCAPE '\'`, like,
		like, like,
	).
		Find(&rows).Error
	if err != nil {
		return 0, err
	}
	var changed int64
	for _, r := range rows {
		hidden := r
		for _, text := range []*string{&hidden.Who, &hidden.What, &hidden.Object} {
			*text = hideName(*text, key, pseudonym)
		}
		if hidden == r { // another's name, which this one begins
			continue
		}
		if err := tx.Save(&hidden).Error; err != nil {
			return 0, err
		}
		changed++
	}
	return changed, nil
}

// inName are the characters of which names are made: what stands beside one of them is another's name.
var inName = regexp.MustCompile(`[A-Za-z0-9._/-]`)

// hideName replaces a repository's name, in whatever letters, where it stands whole.
func hideName(text, key, pseudonym string) string {
	lower := strings.ToLower(text)
	if len(lower) != len(text) { // letters that no name has
		lower = text
	}
	var out strings.Builder
	for from := 0; ; {
		at := strings.Index(lower[from:], key)
		if at < 0 {
			return out.String() + text[from:]
		}
		at += from
		end := at + len(key)
		whole := !inName.MatchString(text[max(at-1, 0):at]) && !inName.MatchString(text[end:min(end+1, len(text))])
		out.WriteString(text[from:at])
		if from = end; whole {
			out.WriteString(pseudonym)
		} else {
			out.WriteString(text[at:end])
		}
	}
}

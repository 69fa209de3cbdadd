package entries

import (
	"errors"
	"strings"

	"gorm.io/gorm"

	"vivarium/server/registry"
	"vivarium/server/store/database"
)

// row is an entry of the registry.
type row struct {
	ID         int64 `gorm:"primaryKey"`
	Kind       registry.Kind
	Name       string // as people write it
	NameKey    string // in lower case: GitHub's names are compared so
	ParentID   int64  // the entry by way of which the repository was seen; 0 for the shared secret
	GitHubID   int64  `gorm:"column:github_id"`
	SecretName string
	Generation int64
	OldUntil   int64
	Disabled   bool
	AddedAt    int64
	DeliveryAt int64

	RunningLimit int
	EachLimit    int
	MinutesLimit int
	LogLimit     int64
	QueueLimit   int

	Fixed string

	App bool // the GitHub App sees it
}

func (row) TableName() string { return "repositories" }

var (
	wholeGroups = []registry.Kind{registry.Pattern, registry.Organization} // let in more than one repository
	singles     = []registry.Kind{registry.Repository, registry.Seen}      // are one repository each
)

func (r row) entry() registry.Entry {
	return registry.Entry{
		ID:         r.ID,
		Kind:       r.Kind,
		Name:       r.Name,
		Parent:     r.ParentID,
		GitHubID:   r.GitHubID,
		SecretName: r.SecretName,
		Generation: r.Generation,
		OldUntil:   database.FromMicros(r.OldUntil),
		Disabled:   r.Disabled,
		AddedAt:    database.FromMicros(r.AddedAt),
		DeliveryAt: database.FromMicros(r.DeliveryAt),
		Limits:     r.limits(),
		Fixed:      r.Fixed,
		App:        r.App,
	}
}

// take reads the entry of a name.
func take(tx *database.Tx, name string, r *row) error {
	err := tx.Where("name_key = ?", strings.ToLower(name)).Take(r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = database.ErrNotFound
	}
	return err
}

// takeOrMake reads the entry of a name, or makes one for a repository that a pattern or an
// organization's hook lets in.
func takeOrMake(tx *database.Tx, name string, r *row) error {
	err := take(tx, name, r)
	if !errors.Is(err, database.ErrNotFound) {
		return err
	}
	if registry.CheckPattern(name) != nil || registry.IsPattern(name) { // it may fit a pattern, but is no repository's
		return database.ErrNotFound
	}
	var groups []row
	if err := tx.Where("kind IN ?", wholeGroups).Find(&groups).Error; err != nil {
		return err
	}
	for _, g := range groups {
		if registry.Matches(g.Name, name) && (r.ParentID == 0 || len(g.Name) > len(r.Name)) {
			r.ParentID, r.Name = g.ID, g.Name // the one that says most
		}
	}
	if r.ParentID == 0 {
		return database.ErrNotFound
	}
	r.Kind, r.Name, r.NameKey, r.AddedAt = registry.Seen, name, strings.ToLower(name), database.Micros(tx.Now())
	if r.SecretName, err = freeSecretName(tx, name); err != nil {
		return err
	}
	return tx.Create(r).Error
}

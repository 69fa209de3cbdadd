// Package environments is what builds ran with besides their code, as a database has it: of each
// build that came so far its image, packages and plan, and the green build that it was compared
// with.
package environments

import (
	"context"
	"encoding/json"
	"fmt"

	"vivarium/pipeline"
	"vivarium/pipeline/environment"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// Environments reads them out of a database.
type Environments struct{ db *database.DB }

// New reads those of db.
func New(db *database.DB) *Environments { return &Environments{db} }

// row is an environment as GORM sees it.
type row struct {
	BuildID  int64 `gorm:"primaryKey;autoIncrement:false"`
	GreenID  int64 // what the build was compared with; 0 for none
	Tree     string
	Image    string
	ImageID  string
	Python   string
	Plan     string
	Packages string // JSON: a list of [NAME, VERSION]; empty where they are not known
}

func (row) TableName() string { return "environments" }

// Keep writes what the attempt that ended a build ran with. It belongs into the transaction that ends
// the build, which is fenced by the attempt's number. Of a build that did not come as far there is no
// row.
func Keep(tx *database.Tx, b builds.Row, o pipeline.Outcome) error {
	e := o.Environment
	if e.Image.ID == "" {
		return nil
	}
	r := row{
		BuildID: b.ID, GreenID: o.Green, Tree: e.Tree, Plan: e.Plan,
		Image: e.Image.Name, ImageID: e.Image.ID, Python: e.Image.Python,
	}
	if e.Listed {
		list := [][2]string{}
		for _, p := range e.Packages {
			list = append(list, [2]string{p.Name, p.Version})
		}
		text, err := json.Marshal(list)
		if err != nil {
			return err
		}
		r.Packages = string(text)
	}
	return tx.Create(&r).Error
}

func (r row) environment() (environment.Environment, error) {
	e := environment.Environment{
		Tree: r.Tree, Plan: r.Plan, Listed: r.Packages != "",
		Image: environment.Image{Name: r.Image, ID: r.ImageID, Python: r.Python},
	}
	if !e.Listed {
		return e, nil
	}
	var list [][2]string
	if err := json.Unmarshal([]byte(r.Packages), &list); err != nil {
		return e, fmt.Errorf("read the packages of build %d: %w", r.BuildID, err)
	}
	for _, p := range list {
		e.Packages = append(e.Packages, environment.Package{Name: p[0], Version: p[1]})
	}
	return e, nil
}

// Of is what a build ran with; the zero Environment where that is not known.
func (s *Environments) Of(ctx context.Context, build int64) (environment.Environment, error) {
	r, err := s.row(ctx, build)
	if err != nil {
		return environment.Environment{}, err
	}
	return r.environment()
}

// row is the zero row for a build that has none.
func (s *Environments) row(ctx context.Context, build int64) (r row, err error) {
	if err := s.db.Read(ctx).Where("build_id = ?", build).Limit(1).Find(&r).Error; err != nil {
		return row{}, fmt.Errorf("read the environment of build %d: %w", build, err)
	}
	return r, nil
}

package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"vivarium/server/store/database"
)

// SessionLife is how long a browser stays signed in.
const SessionLife = 14 * 24 * time.Hour

// sessionRow is a browser that signed in by a token.
type sessionRow struct {
	Hash      string `gorm:"primaryKey"`
	TokenID   int64
	ExpiresAt int64
}

func (sessionRow) TableName() string { return "sessions" }

// SignIn begins a session by a token's text and gives what the browser is to send from now on, or database.ErrNotFound.
func (p *People) SignIn(ctx context.Context, from, text string) (session string, t Token, err error) {
	if t, err = p.TokenOf(ctx, text); err != nil {
		return "", Token{}, err
	}
	session, hash := newSecret("")
	now := p.db.Now()
	err = p.db.Transact(ctx, func(tx *database.Tx) error {
		if err := tx.Where("expires_at <= ?", database.Micros(now)).Delete(&sessionRow{}).Error; err != nil {
			return err
		}
		// The token is looked for once more: it may have been removed since.
		if err := tx.Take(&tokenRow{}, t.ID).Error; err != nil {
			return err
		}
		if err := tx.Create(&sessionRow{
			Hash: hash, TokenID: t.ID, ExpiresAt: database.Micros(now.Add(SessionLife)),
		}).Error; err != nil {
			return err
		}
		return AddChange(tx, Actor{Who: t.who(), From: from}, "signed in to", t.Name())
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return "", Token{}, database.ErrNotFound
	}
	if err != nil {
		return "", Token{}, fmt.Errorf("sign in: %w", err)
	}
	return session, t, nil
}

// who is t in the audit.
func (t Token) who() string { return fmt.Sprintf("token %d", t.ID) }

// Session gives the token by which a session began, or database.ErrNotFound once it has ended.
func (p *People) Session(ctx context.Context, session string) (Token, error) {
	var row tokenRow
	err := p.db.Read(ctx).Joins("JOIN sessions ON sessions.token_id = tokens.id").
		Where(
			"sessions.hash = ? AND sessions.expires_at > ?", hashSecret(session), database.Micros(p.db.Now()),
		).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Token{}, database.ErrNotFound
	}
	if err != nil {
		return Token{}, fmt.Errorf("look up a session: %w", err)
	}
	return row.token(), nil
}

// SignOut ends a session, if there is one.
func (p *People) SignOut(ctx context.Context, session string) error {
	err := p.db.Transact(ctx, func(tx *database.Tx) error {
		return tx.Delete(&sessionRow{Hash: hashSecret(session)}).Error
	})
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"vivarium/server/store/database"
)

// Token opens builds to whoever holds its text, which is not kept.
type Token struct {
	ID      int64
	Pattern string // what it opens: OWNER/NAME or OWNER/PATTERN; empty for everything
	MadeAt  time.Time
	UsedAt  time.Time // to the hour; zero while it was never used
}

// Operator reports whether t opens everything.
func (t Token) Operator() bool { return t.Pattern == "" }

// Name is how people call t.
func (t Token) Name() string {
	if t.Operator() {
		return "operator"
	}
	return t.Pattern
}

type tokenRow struct {
	ID      int64 `gorm:"primaryKey"`
	Hash    string
	Pattern string
	MadeAt  int64
	UsedAt  int64
}

func (tokenRow) TableName() string { return "tokens" }

func (r tokenRow) token() Token {
	return Token{
		ID: r.ID, Pattern: r.Pattern, MadeAt: database.FromMicros(r.MadeAt), UsedAt: database.FromMicros(r.UsedAt),
	}
}

// tokenPrefix lets people, and programs that look for leaked secrets, tell what a token is of.
const tokenPrefix = "viv_"

// newSecret makes a secret of 256 random bits and what is kept of it. That many bits cannot be
// guessed, so that one round of SHA-256 is enough.
func newSecret(prefix string) (text, hash string) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails (crypto/rand)
	text = prefix + base64.RawURLEncoding.EncodeToString(random)
	return text, hashSecret(text)
}

func hashSecret(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// FirstOperatorToken makes the operator's token and gives its text, or the empty string when there is one already.
func (p *People) FirstOperatorToken(ctx context.Context, by Actor) (text string, err error) {
	err = p.db.Transact(ctx, func(tx *database.Tx) error {
		var n int64
		if err := tx.Model(&tokenRow{}).Where("pattern = ''").Count(&n).Error; err != nil || n > 0 {
			return err
		}
		text, err = addToken(tx, by, "")
		return err
	})
	if database.IsDuplicate(err) { // another server was first
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("make the operator's token: %w", err)
	}
	return text, nil
}

// RenewOperatorToken makes a new operator's token. The old one opens nothing any more, nor does who signed in by it.
func (p *People) RenewOperatorToken(ctx context.Context, by Actor) (text string, err error) {
	err = p.db.Transact(ctx, func(tx *database.Tx) error {
		if _, err := dropTokens(tx, "pattern = ''"); err != nil {
			return err
		}
		text, err = addToken(tx, by, "")
		return err
	})
	if err != nil {
		return "", fmt.Errorf("renew the operator's token: %w", err)
	}
	return text, nil
}

// AddToken makes a token that opens the builds of the repositories that a checked pattern names.
func (p *People) AddToken(ctx context.Context, by Actor, pattern string) (text string, err error) {
	if pattern == "" {
		return "", errors.New("make a token: it names no repository")
	}
	err = p.db.Transact(ctx, func(tx *database.Tx) error {
		text, err = addToken(tx, by, pattern)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("make a token for %s: %w", pattern, err)
	}
	return text, nil
}

func addToken(tx *database.Tx, by Actor, pattern string) (string, error) {
	text, hash := newSecret(tokenPrefix)
	row := tokenRow{Hash: hash, Pattern: pattern, MadeAt: database.Micros(tx.Now())}
	if err := tx.Create(&row).Error; err != nil {
		return "", err
	}
	return text, AddChange(tx, by, fmt.Sprintf("made token %d for", row.ID), row.token().Name())
}

// RemoveToken takes a token's right away, and that of all who signed in by it.
func (p *People) RemoveToken(ctx context.Context, by Actor, id int64) error {
	err := p.db.Transact(ctx, func(tx *database.Tx) error {
		var row tokenRow
		if err := tx.Take(&row, id).Error; err != nil {
			return err
		}
		if _, err := dropTokens(tx, "id = ?", id); err != nil {
			return err
		}
		return AddChange(tx, by, fmt.Sprintf("removed token %d of", id), row.token().Name())
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = database.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("remove token %d: %w", id, err)
	}
	return nil
}

// DropTokensOf removes the tokens that open one repository alone, by its name in lower case, and counts them.
func DropTokensOf(tx *database.Tx, repo string) (int64, error) {
	return dropTokens(tx, "lower(pattern) = ?", repo)
}

// dropTokens removes tokens and all sessions that began by them.
func dropTokens(tx *database.Tx, where string, value ...any) (n int64, err error) {
	those := tx.Model(&tokenRow{}).Select("id").Where(where, value...)
	if err := tx.Where("token_id IN (?)", those).Delete(&sessionRow{}).Error; err != nil {
		return 0, err
	}
	r := tx.Where(where, value...).Delete(&tokenRow{})
	return r.RowsAffected, r.Error
}

// Tokens gives all tokens, oldest first.
func (p *People) Tokens(ctx context.Context) ([]Token, error) {
	var rows []tokenRow
	if err := p.db.Read(ctx).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	tokens := make([]Token, len(rows))
	for i, r := range rows {
		tokens[i] = r.token()
	}
	return tokens, nil
}

// TokenOf gives the token of a text, or database.ErrNotFound.
func (p *People) TokenOf(ctx context.Context, text string) (Token, error) {
	var row tokenRow
	err := p.db.Read(ctx).Where("hash = ?", hashSecret(text)).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Token{}, database.ErrNotFound
	}
	if err != nil {
		return Token{}, fmt.Errorf("look up a token: %w", err)
	}
	p.noteUse(ctx, row)
	return row.token(), nil
}

const (
	// usedPrecision is how exactly a token's last use is known: a write each hour, and not one each request.
	usedPrecision = time.Hour
	// useTimeout bounds the wait for that write, which may have to wait for a VACUUM.
	useTimeout = time.Second
)

// noteUse keeps when a token was used. That is worth no failed request: what goes wrong is logged,
// and the next one tries again.
func (p *People) noteUse(ctx context.Context, row tokenRow) {
	now := p.db.Now()
	if now.Sub(database.FromMicros(row.UsedAt)) < usedPrecision {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, useTimeout)
	defer cancel()
	err := p.db.Transact(bounded, func(tx *database.Tx) error {
		return tx.Model(&row).Update("used_at", database.Micros(now.Truncate(usedPrecision))).Error
	})
	if err != nil && ctx.Err() == nil {
		p.log.WarnContext(ctx, "cannot note the use of a token", "token", row.ID, "err", err)
	}
}

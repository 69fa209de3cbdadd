package app

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"vivarium/pipeline"
)

// GitHub refuses a JWT that was issued in its future, or that lasts for more than 10 minutes by its
// clock (docs.github.com, "Generating a JSON Web Token for a GitHub App"). These bounds leave room
// for clocks that differ by a minute, or by five where ours is the slow one.
const (
	issuedBefore = time.Minute
	lasts        = 5 * time.Minute
)

// signer gives the App's own tokens: JWTs that its key signs. It is a github.TokenSource.
type signer struct {
	id  int64
	key *keyFile
	now func() time.Time
}

// Token signs a new JWT, which speaks for the App itself and for no installation.
func (s *signer) Token(context.Context, string, pipeline.Purpose) (string, error) {
	now := s.now()
	claims := jwt.RegisteredClaims{
		Issuer:    strconv.FormatInt(s.id, 10),
		IssuedAt:  jwt.NewNumericDate(now.Add(-issuedBefore)),
		ExpiresAt: jwt.NewNumericDate(now.Add(lasts)),
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(s.key.now())
	if err != nil {
		return "", fmt.Errorf("sign for the GitHub App: %w", err)
	}
	return signed, nil
}

package post

import (
	"context"
	"errors"
	netmail "net/mail"
	"net/url"
	"strconv"

	"github.com/wneessen/go-mail"

	"vivarium/server/notify"
)

// Mail is a server that takes e-mails. The zero Mail is none.
type Mail struct {
	Host     string
	Port     int
	TLS      bool // from the beginning; otherwise by STARTTLS
	Plain    bool // without TLS, to a server of this machine's or network's own
	User     string
	Password string
	From     string
}

// ErrMail says what a server for e-mails looks like, and shows nothing of what was given.
var ErrMail = errors.New("it must be smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS (STARTTLS), smtps://… (TLS), or, " +
	"without a password, smtp+plain://HOST:PORT?from=ADDRESS")

// ParseMail reads a server for e-mails.
func ParseMail(text string) (Mail, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return Mail{}, ErrMail
	}
	m := Mail{Host: u.Hostname(), User: u.User.Username(), From: u.Query().Get("from")}
	m.Password, _ = u.User.Password()
	port := map[string]string{"smtp": "587", "smtps": "465", "smtp+plain": "25"}[u.Scheme]
	if u.Port() != "" && port != "" {
		port = u.Port()
	}
	if m.Port, err = strconv.Atoi(port); err != nil {
		return Mail{}, ErrMail
	}
	m.TLS, m.Plain = u.Scheme == "smtps", u.Scheme == "smtp+plain"
	from, err := netmail.ParseAddress(m.From)
	if err != nil || from.Address != m.From || m.Plain && m.User != "" {
		return Mail{}, ErrMail
	}
	return m, nil
}

// send sends a message as plain text.
func (m Mail) send(ctx context.Context, to string, message notify.Message, key string) error {
	if m.Host == "" {
		return &notify.RefusedError{Why: "no server takes e-mails: set VIVARIUM_SMTP"}
	}
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(m.From), msg.To(to)); err != nil {
		return &notify.RefusedError{Why: "its address is refused: " + err.Error()}
	}
	msg.Subject(message.Subject())
	msg.SetMessageIDWithValue(key + "@" + m.Host)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office notes in answer
	msg.SetBodyString(mail.TypeTextPlain, message.Text()+"\n")
	client, err := mail.NewClient(m.Host, m.options()...)
	if err != nil {
		return &notify.RefusedError{Why: "VIVARIUM_SMTP cannot be used: " + err.Error()}
	}
	return judgeMail(client.DialAndSendWithContext(ctx, msg))
}

func (m Mail) options() []mail.Option {
	options := []mail.Option{mail.WithPort(m.Port), mail.WithTimeout(timeout)}
	switch {
	case m.TLS:
		options = append(options, mail.WithSSL())
	case m.Plain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.User),
			mail.WithPassword(m.Password))
	}
	return options
}

// judgeMail says what the server's answer means: 5xx is for good (RFC 5321, section 4.2.1).
func judgeMail(err error) error {
	if err == nil {
		return nil
	}
	why := "the mail server did not take it: " + err.Error()
	if refused := (*mail.SendError)(nil); errors.As(err, &refused) && refused.ErrorCode() >= 500 {
		return &notify.RefusedError{Why: why}
	}
	return &notify.LaterError{Why: why}
}

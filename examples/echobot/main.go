// Command echobot accepts everybody and repeats what they write. It misses
// nothing that comes while it is down.
//
//	chat login echo --no-tui
//	go run ./examples/echobot -as echo -passphrase-file FILE
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"os/signal"
	"syscall"

	"secure-messaging/pkg/account"
	"secure-messaging/pkg/client"
)

func main() {
	as := flag.String("as", "", "the account, made with chat login")
	file := flag.String("passphrase-file", "", "its passphrase; not needed while chat agent holds the account")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	bot, err := account.Open(ctx, *as, account.PassphraseFile(*file))
	if err != nil {
		log.Fatal(err)
	}
	go acceptAll(ctx, bot)
	err = client.Consume(ctx, bot, "echobot", func(m client.Message) error {
		if m.Type != client.TypeText || m.Deleted {
			return nil
		}
		_, err := bot.Reply(ctx, m.Cursor, m.Text)
		if errors.Is(err, client.ErrNotContact) { // any more
			return nil
		}
		return err
	})
	if err := errors.Join(err, bot.Close()); ctx.Err() == nil {
		log.Fatal(err)
	}
}

// acceptAll accepts whoever asks.
func acceptAll(ctx context.Context, bot client.Account) {
	var position uint64
	client.Await(ctx, bot, &position, func([]client.Event) (bool, error) {
		contacts, err := bot.Contacts(ctx)
		for _, c := range contacts {
			if c.State == client.Incoming {
				bot.Accept(ctx, c.Name)
			}
		}
		return false, err
	})
}

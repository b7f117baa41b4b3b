// Command notify tells people how a CI job has ended.
//
//	go run ./examples/notify -as ci -passphrase-file FILE -to alice,bob -ok=false "build 17" < build.log
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"secure-messaging/pkg/account"
	"secure-messaging/pkg/client"
)

func main() {
	as := flag.String("as", "", "the account, made with chat login")
	file := flag.String("passphrase-file", "", "its passphrase; not needed while chat agent holds the account")
	to := flag.String("to", "", "who is told, between commas")
	ok := flag.Bool("ok", true, "whether the job has succeeded")
	flag.Parse()
	out, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	sign, tail := "✅", ""
	if !*ok {
		const enough = 2000 // bytes of the end of the log, where the fault is
		sign, tail = "❌", "\n```\n"+strings.ToValidUTF8(string(out[max(len(out)-enough, 0):]), "")+"\n```"
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ci, err := account.Open(ctx, *as, account.PassphraseFile(*file))
	if err != nil {
		log.Fatal(err)
	}
	defer ci.Close()
	for name := range strings.SplitSeq(*to, ",") {
		if _, err := ci.Send(ctx, name, sign+" "+strings.Join(flag.Args(), " ")+tail); err != nil {
			log.Fatal(err)
		}
	}
	var position uint64 // sealed and on this disk it is; the job ends when the relay has it
	err = client.Await(ctx, ci, &position, func([]client.Event) (bool, error) {
		s, err := ci.Status(ctx)
		return s.Waiting == 0, err
	})
	if err != nil {
		log.Printf("the relay has not taken it yet (%v); it leaves with the next message", err)
	}
}

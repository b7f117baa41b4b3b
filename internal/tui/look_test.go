package tui

import (
	"context"
	"flag"
	"testing"
	"time"

	"secure-messaging/pkg/client"
)

var lookAt = flag.String("look", "", "show a scene on this terminal: first, talk, chats, request, offline, failed, scripts, verified, changed, missing")

// TestLook is for people: go test -c, then run the binary with -look.
func TestLook(t *testing.T) {
	if *lookAt == "" {
		t.Skip("only with -look")
	}
	f := newFake()
	scenes[*lookAt](f)
	if err := Run(context.Background(), f, Options{ASCII: *lookASCII, Theme: *lookTheme}); err != nil {
		t.Fatal(err)
	}
}

var (
	lookASCII = flag.Bool("look-ascii", false, "with -look: signs in ASCII")
	lookTheme = flag.String("look-theme", "", "with -look: a theme")
)

// scenes are the states that the golden screens show.
var scenes = map[string]func(*fake){
	"first": func(*fake) {},
	"talk":  talk,
	"chats": chats,
	"request": func(f *fake) {
		talk(f)
		f.asks("dave", "hi alice, it's dave from the\nbuild team. can we talk?")
	},
	"offline": func(f *fake) {
		talk(f)
		f.wrote("bob", "are you there?", client.Waiting, "")
		f.wrote("bob", "I'll start without you", client.Waiting, "")
		f.status = client.Status{State: client.Offline, Reason: "no route to the relay", Waiting: 2}
	},
	"failed": func(f *fake) {
		talk(f)
		f.wrote("bob", "one more thing", client.Failed, "bob's mailbox is full.")
	},
	"scripts": scripts,
	"group":   several,
	"verified": func(f *fake) {
		talk(f)
		f.trusted("bob", client.Verified)
	},
	"changed": func(f *fake) {
		talk(f)
		f.trusted("bob", client.Changed)
		f.trusted("carol", client.Verified)
	},
	"missing": func(f *fake) {
		talk(f)
		f.gets(client.Message{Contact: "bob", From: "bob", Type: client.TypeMissing, Text: "2"})
		read(f, f.says("bob", "and then it was done"))
		f.gets(client.Message{Contact: "bob", From: "bob", Type: client.TypeUnreadable})
	},
}

// chats is a conversation with everything that can be said.
func chats(f *fake) {
	talk(f)
	bob := f.contacts["bob"]
	bob.Online, bob.Trust = true, client.Verified
	f.contacts["bob"] = bob
	f.ago = 10 * time.Minute
	f.wrote("bob", "which disk was it?", client.Read, "")
	f.answers(int64(len(f.messages)), "the second of the mirror, sdc. I have *labelled* it")
	f.changes(int64(len(f.messages)), func(m *client.Message) {
		m.Unread, m.Edited = false, true
		m.Reactions = []client.Reaction{{From: "alice", Emoji: "👍"}, {From: "bob", Emoji: "👍"}}
	})
	f.wrote("bob", "oh, wrong window", client.Read, "")
	f.changes(int64(len(f.messages)), func(m *client.Message) { m.Text, m.Deleted = "", true })
	f.gets(client.Message{Contact: "bob", From: "bob", Type: client.TypeTimer, Text: "86400"})
	f.ago = 0
	read(f, f.says("bob", "日本のチームにも伝えてください 🙏"))
	f.changes(int64(len(f.messages)), func(m *client.Message) {
		m.Reactions, m.Disappear = []client.Reaction{{From: "alice", Emoji: "✅"}}, 86400
	})
	f.wrote("bob", "done", client.Read, "")
	f.changes(int64(len(f.messages)), func(m *client.Message) { m.Disappear, m.GoneAt = 86400, m.At.Add(24*time.Hour) })
	bob = f.contacts["bob"]
	bob.Unread = 0
	f.contacts["bob"] = bob
}

func talk(f *fake) {
	f.knows("bob", client.Accepted)
	f.knows("carol", client.Accepted)
	f.knows("erin_from_the_infrastructure_team", client.Accepted)
	f.knows("frank", client.Requested)
	f.says("carol", "lunch?")
	f.says("carol", "12:30 at the usual place")
	f.ago = 15 * time.Hour
	read(f, f.says("bob", "the build machine is back"))
	read(f, f.says("bob", "I replaced the disk; `zpool status` is clean again, and the logs are at https://build.example/logs/2741?view=raw if you want to have a look at them before the meeting."))
	f.ago = 25 * time.Minute
	f.wrote("bob", "deploy at ten?", client.Delivered, "")
	f.wrote("bob", "then I'd start the migration now:\n\n    ./migrate --from 41 --to 42 \\\n        --dry-run", client.Stored, "")
	f.ago = 0
	read(f, f.says("bob", "yes. **don't** forget the flag"))
	f.wrote("bob", "of course", client.Delivered, "")
}

// several is a conversation of several, with files in it.
func several(f *fake) {
	talk(f)
	f.together("backend", "alice", "bob", "carol", "grace")
	in := client.GroupSign + "backend"
	f.ago = 20 * time.Minute
	f.reports(in, "alice", "made bob carol grace")
	read(f, f.saysIn(in, "bob", "the numbers are in"))
	f.gets(client.Message{Contact: in, From: "bob", Type: client.TypeFile, File: &client.File{Name: "latency-2026-11.csv", Size: 2_411_520, Saved: "/home/alice/Downloads/latency-2026-11.csv"}})
	f.ago = 0
	read(f, f.saysIn(in, "carol", "p99 is *half* of what it was, nice"))
	f.wrote(in, "then I'd roll it out today", client.Delivered, "not to grace: no contact of yours")
	f.gets(client.Message{Contact: in, From: "alice", Type: client.TypeFile, Text: "the plan", File: &client.File{Name: "rollout.md", Size: 3_100, Done: 1_200}})
	f.changes(int64(len(f.messages)), func(m *client.Message) { m.State = client.Waiting })
}

func scripts(f *fake) {
	f.knows("bob", client.Accepted)
	for _, s := range []string{
		"明日の十時にデプロイしましょう。マイグレーションは一時間ほどかかりますが、その間サービスは止まりません。ログはいつもの場所にあります。",
		"שלום, מה שלומך? אני כותב לך מהרכבת.",
		"مرحبا، كيف حالك اليوم؟",
		"👍🏽 👩‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 ❤️ ok",
		"Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsaufsichtsratsvorsitzender",
		"\x1b[31mred\x1b[0m \x1b]0;title\x07 Z" + "\u0337\u0337\u0337\u0337\u0337\u0337\u0337\u0337" + "algo\rover",
		"한국어와 中文 mixed with English words and 日本語 in one long line that has to be wrapped somewhere sensible",
	} {
		read(f, f.says("bob", s))
	}
	f.wrote("bob", "好的 👌", client.Delivered, "")
}

func read(f *fake, m client.Message) { f.MarkRead(context.Background(), m.Contact, m.Cursor) }

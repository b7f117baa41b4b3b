package tui

// How the user is told of messages that are not on screen.
const (
	NotifyAuto    = "auto" // what the terminal is known to understand, else the bell
	notifyNone    = "none"
	notifyBell    = "bell"
	notifyOSC9    = "osc9"   // iTerm2, WezTerm, Ghostty
	notifyOSC777  = "osc777" // foot, rxvt-unicode
	notifyOSC99   = "osc99"  // kitty
	PreviewSender = "sender"
	previewFull   = "full"
	previewNone   = "none"
)

var (
	// NotifyWays are what Notify.By can be.
	NotifyWays = []string{NotifyAuto, notifyNone, notifyBell, notifyOSC9, notifyOSC777, notifyOSC99}
	// Previews are what Notify.Preview can be.
	Previews = []string{PreviewSender, previewFull, previewNone}
)

// Notify says how the user is told of messages that are not on screen.
type Notify struct {
	By      string // one of NotifyWays; "" for none
	Preview string // one of Previews: what is said of a message
}

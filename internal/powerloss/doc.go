// Package powerloss holds no code. Its tests let real clients write to each
// other through a real relay whose power is cut at any moment, and whose disk
// fails. After each cut they compare what was said, before anybody can send
// anything again: what a sender has heard as stored or delivered is in the
// mailbox or the history of its recipient. In the end each message is there
// once, in its sender's order.
package powerloss

// Package agent is a client.Account over a private Unix socket. The process
// that owns a profile serves it with [Server]; every other process of the same
// user reaches it with [Dial].
//
// # The protocol
//
// JSON-RPC 2.0 (https://www.jsonrpc.org/specification), one object a line,
// UTF-8, over a stream socket that only its user can open. Every request has
// an id; a batch, or a request without an id, ends the connection. Answers may
// come in any order. Members that are not known are ignored.
//
//	method        params                          result
//	hello         {"version"}                     {"version"}
//	holder                                        {"kind", "pid", "since"}
//	leave                                         null
//	identity                                      Identity
//	status                                        Status
//	contacts      {"after"}                       {"contacts": [Contact…], "more"}
//	connect       {"name", "note"}                Contact
//	accept        {"name"}                        Contact
//	reject        {"name"}                        null
//	block         {"name"}                        null
//	safety        {"name"}                        Safety
//	trust         {"name", "decision", "number"}  Contact
//	send          {"to", "text"}                  Message
//	reply         {"cursor", "text"}              Message
//	edit          {"cursor", "text"}              Message
//	delete        {"cursor"}                      Message
//	react         {"cursor", "emoji"}             Message
//	disappear     {"contact", "seconds"}          Contact
//	typing        {"contact"}                     null
//	settings                                      Settings
//	set_settings  Settings                        null
//	search        Search                          {"messages": [Message…], "more"}
//	views         {"after"}                       {"views": [View…], "more"}
//	set_view      View                            null
//	send_file     {"to", "path", "text"}          Message
//	save_file     {"cursor", "path"}              path
//	groups        {"after"}                       {"groups": [Group…], "more"}
//	make_group    {"name", "members"}             Group
//	change_group  {"name", "change"}              Group
//	message       {"id"}                          Message
//	history       Query                           {"messages": [Message…], "more"}
//	consumers                                     [Consumer…]
//	ack           {"consumer", "cursor"}          null
//	drop_consumer {"consumer"}                    null
//	mark_read     {"contact", "cursor"}           null
//	events        {"after"}                       Batch
//	cancel        {"id"}                          null
//
// Identity, Status, Contact, Group, Safety, Message, Consumer, Settings, Search, View, Query
// and Batch, and the "change" of a group, are the JSON forms of the types of package
// client; each method does what the method of the same name of client.Account does.
//
// holder says which process holds the profile: a "command", a "screen" or an
// "agent". leave asks it to end, which an agent does.
//
// hello comes first: the versions of both sides must be the same, [Version]
// here. cancel ends the call with that id, if it is still under way; it is
// then answered by error -32097.
//
// An answer that would be too long holds a part, and "more" is true. The next
// contacts, groups and views are asked for with the last name as "after". The next
// messages of a history are asked for with the last cursor as "after" when the
// query had one, and else with the first cursor as "before"; those of a search,
// which come latest first, with the last cursor as "before".
//
// Errors that a caller can act on are
//
//	{"code": 1, "message": sentence for the user, "data": {"code": client.Code}}
//
// and faults of the caller carry the codes of JSON-RPC.
//
// For example (what the owner answers is indented):
//
//	{"jsonrpc":"2.0","id":1,"method":"hello","params":{"version":3}}
//	    {"jsonrpc":"2.0","id":1,"result":{"version":3}}
//	{"jsonrpc":"2.0","id":2,"method":"reject","params":{"name":"bob"}}
//	    {"jsonrpc":"2.0","id":2,"error":{"code":1,"message":"There is no request of bob to reject. …","data":{"code":"not_found"}}}
//
// # Limits
//
// A request line has at most 512 KiB, an answer at most 4 MiB. 64 lines of a
// connection are under way at a time; more are not read before some are
// answered. 64 connections are served at a time; more wait. A peer that does
// not take an answer within 10 seconds is cut off, and an owner that does not
// give one within 30 is taken for stopped, except to events, send_file and save_file.
// Closing the connection, or its writing half, cancels what is under way on it; so
// a file that is being saved ends with who asked for it.
package agent

// Version is the version of the protocol. It changes with every change that
// an older or newer side would misunderstand.
const Version = 3

package relay

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay/ratelimit"
)

// Limits of the relay's own making; those of the wire are in package protocol.
const (
	replyBytes      = 64 << 10         // answers waiting for one connection
	slowPatience    = 5 * time.Second  // for a peer to make room there, then 4002
	flightWindow    = 256              // frames handed to a device and not acked
	flightBytes     = 256 << 10        // and their data
	maxAirborne     = 64 << 20         // data that is handed on and not stored, of all devices
	largeFrames     = 128              // frames over 32 KiB that are read at a time, each up to protocol.MaxFrame
	readBatch       = 64               // entries of one read of a mailbox
	readBatchBytes  = 64 << 10         // and their data: what a slow reader holds in memory
	maxBatch        = 64               // entries that a reader appends at once
	maxBatchBytes   = 256 << 10        // and their data
	commitsUnderWay = 64               // commits of one connection that share an fsync
	maxTargets      = 64               // recipients that a connection remembers
	targetTime      = 2 * time.Second  // until what was found out about one is looked up again
	presenceEach    = 20               // people in a list of presence that count as a frame
	writeChunk      = 64 << 10         // bytes that a peer has to take within WriteTimeout
	slowWrite       = time.Second      // a write that takes longer grants more time for acks
	frameTimeout    = 15 * time.Second // for the rest of a frame that has begun
	aliveEvery      = 5 * time.Second  // how often a peer's patience is renewed at most
	fileChunk       = 64 << 10         // of a file that comes or goes: what one takes of memory
	fileChunkTime   = 30 * time.Second // for each of them: 2 KB/s is a slow line, and less is none
	maxCASRetries   = 16               // a pair of people writes no faster
	closeGrace      = 2 * time.Second  // from the wish to close to the end of the socket
	lingerTime      = time.Second      // of that, for the peer to read why
	maxCertAhead    = 24 * time.Hour   // a new certificate's clock may be ahead of ours
	maxCachedUsers  = 4096             // certificates in memory, 1 KB each
	maxHeaderBytes  = 16 << 10         // of an HTTP request
	headerTimeout   = 10 * time.Second // for the TLS handshake and for the headers
	requestTimeout  = 15 * time.Second // for a whole request, and for its answer
	idleTimeout     = 60 * time.Second // between two requests
)

// Config is what a relay needs. Key, Directory, Prekeys and Mailboxes are
// required.
type Config struct {
	Key       crypto.RelayPrivate // the identity; clients pin its public half
	Directory Directory
	Prekeys   Prekeys
	Mailboxes Mailboxes
	Files     Files    // nil for a relay that takes none
	Accounts  Accounts // nil for a relay that suspends nobody
	Invites   Invites  // required for ByInvite

	Hosts   []string          // names that clients may dial; empty for any
	Origins []string          // of web pages that may connect, e.g. https://chat.example.org; empty for none
	Limits  ratelimit.Limits  // zero for ratelimit.Default
	Proxies ratelimit.Proxies // whose word on the addresses of clients counts; nil for nobody's
	HSTS    bool              // tell browsers that there is nothing here without TLS
	Logger  *slog.Logger      // nil for none

	Registration Registration // of new names
	LogMessages  bool         // each that is delivered, by no name, at info and not only at debug
}

// Relay routes sealed frames between devices. Make it with New.
type Relay struct {
	// Static after construction.
	key         crypto.RelayPrivate
	public      crypto.RelayPublic
	directory   Directory
	prekeys     Prekeys
	mailboxes   Mailboxes
	files       Files // nil if it takes none
	hosts       []string
	origins     []string
	limits      ratelimit.Limits
	limiters    *ratelimit.Limiters
	proxies     ratelimit.Proxies
	hsts        bool
	log         *slog.Logger
	nonces      *crypto.RegistrationNonces
	began       time.Time // see now
	maxAirborne int64
	counters    counters
	users       *userCache
	hub         *hub
	presence    *presence
	handler     http.Handler
	accounts    Accounts // nil if it suspends nobody
	invites     Invites  // set if admission is ByInvite
	admission   Registration

	// ctx ends when a shutdown is out of patience; calls of the store use it.
	ctx    context.Context
	cancel context.CancelFunc

	fatal     chan struct{} // closed once fatalErr is set
	fatalOnce sync.Once
	fatalErr  error

	framesIn, framesOut, handed, delivered, letters, acks *atomic.Uint64 // of counters, what every message counts

	direct, stored Latencies   // see Deliveries
	messageLog     *messageLog // nil if nobody would see it

	large chan struct{} // one for each large frame that is read

	transfers *transfers

	lastID    atomic.Uint64 // of connections, for the log
	airborne  atomic.Int64  // bytes that are handed on and not stored
	relations atomic.Uint64 // changes of how people stand to each other
	httpConns atomic.Int64
	httpFrom  sync.Map // net.Conn to ratelimit.Address, of those that count by address

	mu       sync.Mutex   // guards what follows
	ending   *closeReason // of all connections, once the relay ends
	sockets  int          // WebSockets admitted
	pending  int          // of them, not logged in
	conns    map[*conn]struct{}
	servers  []*http.Server
	connsEnd sync.WaitGroup // one for each of sockets
}

// New makes a relay. It starts nothing: see [Relay.Serve] and
// [Relay.Handler]. It panics if the Config lacks what is required.
func New(cfg Config) *Relay {
	if cfg.Directory == nil || cfg.Prekeys == nil || cfg.Mailboxes == nil {
		panic("relay: a Config needs a Directory, Prekeys and Mailboxes")
	}
	if cfg.Registration == ByInvite && cfg.Invites == nil {
		panic("relay: registration by invite needs Invites")
	}
	if cfg.Limits == (ratelimit.Limits{}) {
		cfg.Limits = ratelimit.Default()
	}
	r := &Relay{
		key:         cfg.Key,
		public:      cfg.Key.Public(),
		directory:   cfg.Directory,
		prekeys:     cfg.Prekeys,
		mailboxes:   cfg.Mailboxes,
		files:       cfg.Files,
		origins:     slices.Clone(cfg.Origins),
		limits:      cfg.Limits,
		limiters:    ratelimit.NewLimiters(cfg.Limits),
		proxies:     slices.Clone(cfg.Proxies),
		hsts:        cfg.HSTS,
		log:         cfg.Logger,
		nonces:      crypto.NewRegistrationNonces(),
		began:       time.Now(),
		maxAirborne: maxAirborne,
		counters:    newCounters(),
		users:       newUserCache(maxCachedUsers),
		hub:         newHub(),
		presence:    newPresence(),
		fatal:       make(chan struct{}),
		conns:       map[*conn]struct{}{},
		accounts:    cfg.Accounts,
		invites:     cfg.Invites,
		admission:   cfg.Registration,
	}
	for _, h := range cfg.Hosts {
		r.hosts = append(r.hosts, strings.ToLower(h))
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.messageLog = newMessageLog(r.log, cfg.LogMessages)
	r.transfers = newTransfers(cfg.Limits.FileTransfers)
	r.large = make(chan struct{}, largeFrames)
	r.framesIn, r.framesOut = r.counters[CountFramesIn], r.counters[CountFramesOut]
	r.letters, r.acks = r.counters[countLetters], r.counters[countAcks]
	r.direct.first, r.stored.first = firstDirect, firstStored
	r.handed, r.delivered = r.counters[CountHanded], r.counters[CountReceipts]
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.handler = r.newHandler()
	return r
}

// now is a clock that only goes forward.
func (r *Relay) now() time.Duration { return time.Since(r.began) }

// PublicKey returns the key that names this relay.
func (r *Relay) PublicKey() crypto.RelayPublic { return r.public }

// Handler returns the HTTP interface and the WebSocket, for a server of the
// caller's. Such a server must not speak HTTP/2. [Relay.Serve] is the easy way.
func (r *Relay) Handler() http.Handler { return r.handler }

// Fatal is closed when the relay cannot go on, because its store is broken;
// Err then says why. The owner should call Shutdown and end the process.
func (r *Relay) Fatal() <-chan struct{} { return r.fatal }

// Err returns why Fatal was closed, and nil before.
func (r *Relay) Err() error {
	select {
	case <-r.fatal:
		return r.fatalErr
	default:
		return nil
	}
}

// fail ends all service: what the store says can no longer be trusted.
func (r *Relay) fail(err error) {
	r.fatalOnce.Do(func() {
		r.fatalErr = err
		close(r.fatal)
		r.log.Error("the store has failed; the relay ends", "error", err)
		r.endAll(closeStore)
	})
}

// storeError counts and logs a failed operation, and ends the relay if the
// store says that it is broken.
func (r *Relay) storeError(hop string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	r.counters.add(CountStoreErrors)
	r.log.Error("the store refuses", "at", hop, "error", err)
	if errors.Is(err, ErrStoreFailed) {
		r.fail(err)
	}
}

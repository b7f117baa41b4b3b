package cli

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"secure-messaging/internal/relayhost"
	"secure-messaging/pkg/relay"
)

type serveFlags struct {
	addr          string
	data          string
	public        string
	tls           tlsFlags
	hosts         []string
	origins       []string
	limits        string
	register      string
	metrics       string
	metricsPublic bool
	logFormat     string
	logLevel      string
	logMessages   bool
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the relay until SIGTERM or ctrl-c",
		Long: `Run the relay. At its first start it makes the key that names it, in its data folder;
users pin that key. SIGTERM and ctrl-c end it in order: what was promised is on the disk. A socket
that systemd hands over is listened on in place of --addr.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd, &f) },
	}
	f.add(cmd.Flags())
	return cmd
}

// add makes the settings flags of a command.
func (f *serveFlags) add(flags *pflag.FlagSet) {
	flags.String(configFlag, "", "file of settings (see: server config)")
	flags.StringVar(&f.addr, "addr", ":8443", "address to listen on, host:port")
	flags.StringVar(&f.public, "public", "", "address that users type, e.g. wss://chat.example.org:443, where a proxy or a port forward makes it another")
	flags.StringVar(&f.data, "data", "", "data folder (default: secure-messaging-relay under $XDG_DATA_HOME)")
	f.tls.add(flags)
	flags.StringSliceVar(&f.hosts, "host", nil, "names under which clients may dial; none: any")
	flags.StringSliceVar(&f.origins, "origin", nil, "origins of web pages that may connect, e.g. https://chat.example.org")
	flags.StringVar(&f.register, "registration", "open", "who may take a new name: open, invite (see: server invite) or closed")
	flags.StringVar(&f.metrics, "metrics", "", "address for Prometheus to read from, such as 127.0.0.1:9090; none: nowhere")
	flags.BoolVar(&f.metricsPublic, "metrics-public", false, "the metrics may be on an address that is no loopback")
	flags.StringVar(&f.limits, "limits", "", "file of what users may do, as server limits prints it, or off for no rates")
	flags.StringVar(&f.logFormat, "log-format", "text", "text or json, to standard error")
	flags.BoolVar(&f.logMessages, "log-messages", false, "log each message that is delivered: its size, and hashes that hold for this run in place of names")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
}

// complete finds out what is not the same everywhere.
func (f *serveFlags) complete() {
	if f.data == "" {
		xdg.Reload()
		f.data = filepath.Join(xdg.DataHome, folder)
	}
}

func serve(cmd *cobra.Command, f *serveFlags) error {
	settings, err := loadSettings(cmd.Flags())
	if err != nil {
		return usageError{err}
	}
	cfg, err := f.config(cmd, settings)
	if err != nil {
		return usageError{err}
	}
	if cfg.Listener, err = inherited(); err != nil {
		return err
	}
	host, err := relayhost.Open(cfg)
	if err != nil {
		return err
	}
	greet(cmd.OutOrStdout(), host, f)
	defer notify(cmd.Context(), cfg.Logger)()
	return host.Run(cmd.Context())
}

// config is what to run, or why it cannot be run. Nothing is opened or made.
func (f *serveFlags) config(cmd *cobra.Command, s *settings) (cfg relayhost.Config, err error) {
	f.complete()
	cfg = relayhost.Config{Addr: f.addr, DataDir: f.data, Hosts: f.hosts, Origins: f.origins}
	if err := f.tls.config(&cfg, s.given); err != nil {
		return cfg, err
	}
	if err := checkAddr("addr", f.addr); err != nil {
		return cfg, err
	}
	if f.metrics != "" {
		if err := checkAddr("metrics", f.metrics); err != nil {
			return cfg, err
		}
	}
	if err := relayhost.CheckHosts(f.hosts); err != nil {
		return cfg, fmt.Errorf("--host: %w", err)
	}
	if err := checkPublic(f.public); err != nil {
		return cfg, err
	}
	if err := checkOrigins(f.origins); err != nil {
		return cfg, err
	}
	if cfg.Registration, err = relay.ParseRegistration(f.register); err != nil {
		return cfg, fmt.Errorf("--registration: %w", err)
	}
	if cfg.Logger, err = newLogger(cmd.ErrOrStderr(), f.logFormat, f.logLevel); err != nil {
		return cfg, err
	}
	cfg.LogMessages = f.logMessages
	cfg.Metrics, cfg.MetricsPublic = f.metrics, f.metricsPublic
	cfg.Limits, err = readLimits(f.limits)
	return cfg, err
}

// checkAddr finds mistakes before anything is opened or made.
func checkAddr(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("--%s is host:port or :port, with a port from 0 to 65535, not %q", flag, addr)
	}
	return nil
}

// checkPublic finds an address that no client could take.
func checkPublic(address string) error {
	u, err := url.Parse(address)
	if address == "" || err == nil && (u.Scheme == "wss" || u.Scheme == "ws") && u.Port() != "" && *u == (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		return nil
	}
	return fmt.Errorf("--public is an address as users type it, with its port, such as wss://chat.example.org:443, not %q", address)
}

// checkOrigins finds what no browser sends, and so would never let a page in.
func checkOrigins(origins []string) error {
	ports := map[string]string{"http": "80", "https": "443"} // which browsers leave out
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+strings.ToLower(u.Host) != o || strings.HasSuffix(o, ":") || strings.HasSuffix(o, ":"+ports[u.Scheme]) {
			return fmt.Errorf("--origin is what a browser sends, such as https://chat.example.org: lower case, without the port that is usual, and with nothing behind, not %q", o)
		}
	}
	return nil
}

// greet says what an operator and a user need. Its first line tells a script
// that connections are accepted; all is written at once, so that a script that
// reads no further ends nothing.
func greet(out io.Writer, host *relayhost.Host, f *serveFlags) {
	w := new(strings.Builder)
	name, port := dialName(host.Addr(), append(f.hosts, f.tls.acme.Domains...))
	scheme := "wss"
	if f.tls.mode == relayhost.Off {
		scheme = "ws"
	}
	address := cmp.Or(f.public, scheme+"://"+net.JoinHostPort(name, port))
	host.Announce(address)
	data, err := filepath.Abs(host.DataDir()) // who types it is elsewhere
	if err != nil {
		data = host.DataDir()
	}
	fmt.Fprintf(w, "relay ready at %s\n", address)
	fmt.Fprintf(w, "  listens on   %s\n", host.Addr())
	fmt.Fprintf(w, "  data         %s\n", data)
	fmt.Fprintf(w, "  fingerprint  %s\n", host.Fingerprint())
	fmt.Fprintf(w, "  registration %s\n", admission[f.register])
	if f.register == "invite" {
		fmt.Fprintf(w, "  you type     server invite create --data '%s'\n", data)
		fmt.Fprintf(w, "  users type   chat login NAME --invite 'LINK', with the link that you get\n")
	}
	if at := host.MetricsAddr(); at != nil {
		fmt.Fprintf(w, "  metrics      http://%s/metrics\n", at)
	}
	if f.register == "open" && f.public == "" && port == "8443" && scheme == "wss" && isLocal(host.Addr()) {
		fmt.Fprintf(w, "  type here    chat login NAME\n")
	}
	who := "users"
	if f.register != "open" {
		who = "members" // who has an account
	}
	fmt.Fprintf(w, "  %-12s chat login NAME --server '%s#%s'\n", who+" type", address, host.Fingerprint())
	io.WriteString(out, w.String())
}

// admission says what each way of registration means.
var admission = map[string]string{
	"open":   "open: whoever knows the address may take a name (--registration invite asks for an invite)",
	"invite": "by invite",
	"closed": "closed: nobody takes a new name",
}

// dialName says under which name users reach the listener: the first that the
// operator gave, the address itself, or for all addresses the machine's name.
func dialName(addr net.Addr, hosts []string) (name, port string) {
	name, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String(), ""
	}
	if len(hosts) > 0 {
		return hosts[0], port
	}
	if ip := net.ParseIP(name); ip != nil && !ip.IsUnspecified() {
		return name, port
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		return host, port
	}
	return "localhost", port
}

// isLocal reports whether localhost leads to the listener.
func isLocal(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && (tcp.IP.IsUnspecified() || tcp.IP.IsLoopback())
}

func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level is debug, info, warn or error, not %q", level)
	}
	opts := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, fmt.Errorf("--log-format is text or json, not %q", format)
}

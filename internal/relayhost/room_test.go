package relayhost

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"secure-messaging/internal/relaystore"
)

// smallDisk has as much room as it is told.
type smallDisk struct {
	vfs.FS
	free uint64
}

func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.free}, nil
}

// TestRoomIsLogged: once when the disk has become too full for messages, and
// once when it is so no more.
func TestRoomIsLogged(t *testing.T) {
	disk := &smallDisk{vfs.Default, relaystore.RoomForMessages}
	store, err := relaystore.Open(t.TempDir(), relaystore.Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var log strings.Builder
	h := &Host{store: store, log: slog.New(slog.NewTextHandler(&log, nil))}
	full := h.tellRoom(t.Context(), false)
	if full || log.Len() > 0 {
		t.Errorf("with room: %v, %s", full, &log)
	}
	disk.free--
	full = h.tellRoom(t.Context(), h.tellRoom(t.Context(), full))
	disk.free++
	if !full || h.tellRoom(t.Context(), h.tellRoom(t.Context(), full)) {
		t.Error("it is not seen that the disk is full, or that it is so no more")
	}
	if text := log.String(); strings.Count(text, "no messages are taken") != 1 || strings.Count(text, "room again") != 1 || strings.Count(text, "\n") != 2 {
		t.Errorf("the log: %s", text)
	}
}

//go:build !unix

package profile

import "io/fs"

// On Windows the folder for temporary files is the user's own, and what is
// made in it inherits that.

func userID() string { return "user" }

func private(fs.FileInfo) bool { return true }

// Package importrules holds no code. Its test reads the import graph of the
// module and fails when a package knows another that it must not: that the
// relay cannot open a message is a fact of the build, not a promise.
package importrules

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/node"
)

func keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key COMMAND",
		Short: "export or import this machine's key",
		Long: `Moves this machine's key to another home, for a backup or a new machine. The
key in ~/.cell/identity.key determines the peer ID. An exported key is encrypted
with a passphrase, in the age format (https://age-encryption.org).`,
		Example: `  cell key export > key.age`,
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(keyExportCommand(), keyImportCommand())
	return cmd
}

func keyExportCommand() *cobra.Command {
	var passphraseFile string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "print the key, encrypted with a passphrase",
		Long: `Prints this machine's key, encrypted with a passphrase. The age tool can also
decrypt it.`,
		Example: `  cell key export > key.age`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, identity, err := openHome()
			if err != nil {
				return err
			}
			passphrase, err := readPassphrase(passphraseFile, true)
			if err != nil {
				return err
			}
			key, err := os.ReadFile(h.IdentityKey())
			if err != nil {
				return err
			}
			if err := encrypt(cmd.OutOrStdout(), key, passphrase); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: keep it safe: "+
				"with this key and the passphrase, anyone can act as %s\n", identity.ID())
			return nil
		},
	}
	passphraseFlag(cmd, &passphraseFile)
	return cmd
}

func keyImportCommand() *cobra.Command {
	var passphraseFile string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "install an exported key",
		Long: `Decrypts an exported key from FILE, or from stdin with -, and makes it the key
of this home. A home that has another key already is not changed. Do not use one
key on two machines at the same time: they disrupt each other's connections.`,
		Example: `  cell key import key.age`,
		Args:    exactly("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := home.Default()
			if err != nil {
				return err
			}
			if err := h.Make(); err != nil {
				return err
			}
			sealed, err := readArgument(args[0], cmd.InOrStdin())
			if err != nil {
				return hint(err, exportedHint)
			}
			passphrase, err := readPassphrase(passphraseFile, false)
			if err != nil {
				return err
			}
			key, err := decrypt(sealed, passphrase)
			if err != nil {
				return err
			}
			identity, err := install(h, key)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: this home is now peer %s\n", identity.ID())
			return nil
		},
	}
	passphraseFlag(cmd, &passphraseFile)
	return cmd
}

func passphraseFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "passphrase-file", "",
		"read the passphrase from the first line of `FILE`")
}

// readPassphrase reads the passphrase from a file, or asks for it; twice if it is new.
func readPassphrase(path string, isNew bool) (string, error) {
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		line, _, _ := strings.Cut(string(text), "\n")
		return notEmpty(strings.TrimSuffix(line, "\r"))
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", hint(errors.New("no terminal to ask for the passphrase"),
			"use --passphrase-file FILE")
	}
	defer tty.Close()
	ask := func(what string) (string, error) {
		fmt.Fprint(tty, what)
		line, err := term.ReadPassword(int(tty.Fd()))
		fmt.Fprintln(tty)
		return string(line), err
	}
	first, err := ask("passphrase: ")
	if err != nil || !isNew {
		return first, err
	}
	again, err := ask("repeat the passphrase: ")
	if err == nil && again != first {
		err = errors.New("the two passphrases differ")
	}
	if err != nil {
		return "", err
	}
	return notEmpty(first)
}

func notEmpty(passphrase string) (string, error) {
	if passphrase == "" {
		return "", errors.New("the passphrase is empty")
	}
	return passphrase, nil
}

// readArgument reads a small file, or stdin for "-".
func readArgument(path string, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(stdin, 1<<20))
	}
	return os.ReadFile(path)
}

const exportedHint = `FILE must contain what "cell key export" printed`

func encrypt(w io.Writer, key []byte, passphrase string) error {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return err
	}
	armored := armor.NewWriter(w)
	sealed, err := age.Encrypt(armored, recipient)
	if err != nil {
		return err
	}
	_, err = sealed.Write(key)
	return errors.Join(err, sealed.Close(), armored.Close())
}

func decrypt(sealed []byte, passphrase string) ([]byte, error) {
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	plain, err := age.Decrypt(armor.NewReader(bytes.NewReader(sealed)), identity)
	var wrong *age.NoIdentityMatchError
	if errors.As(err, &wrong) {
		return nil, hint(errors.New("the passphrase is wrong"), "try again; nothing was changed")
	}
	if err != nil {
		return nil, hint(fmt.Errorf("not an exported key: %w", err), exportedHint)
	}
	return io.ReadAll(io.LimitReader(plain, 64<<10))
}

// install makes a key the home's, unless the home has another one.
func install(h home.Home, key []byte) (node.Identity, error) {
	dir, err := os.MkdirTemp(h.String(), ".import-")
	if err != nil {
		return node.Identity{}, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "identity.key")
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return node.Identity{}, err
	}
	identity, err := node.LoadIdentity(path)
	if err != nil {
		return node.Identity{}, fmt.Errorf("the file does not contain a key: %w", err)
	}
	err = os.Link(path, h.IdentityKey()) // fails if the home has a key
	if errors.Is(err, fs.ErrExist) {
		now, err := node.LoadIdentity(h.IdentityKey())
		if err == nil && now.ID() == identity.ID() {
			return identity, nil
		}
		return node.Identity{}, hint(fmt.Errorf("home %s has another key already", h),
			fmt.Sprintf("to replace it, move %s away first", h.IdentityKey()))
	}
	return identity, err
}

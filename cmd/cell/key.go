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
		Short: "carry this machine's key to another home",
		Long: `The key in ~/.cell/identity.key is what makes this machine the peer it is. Exported, it is
encrypted with a passphrase, in the format of age (https://age-encryption.org).`,
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
		Use:     "export",
		Short:   "print the key, encrypted with a passphrase",
		Long:    `Prints this machine's key, encrypted with a passphrase. The age tool can decrypt it, too.`,
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
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: whoever has this and the passphrase is %s\n",
				identity.ID())
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
		Short: "take over a key that was exported",
		Long: `Decrypts an exported key, from a file or from stdin with -, and makes this home the peer
whose key it is. A home that is another peer already is left as it is. Two machines with
one key at the same time get in each other's way.`,
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
				return hint(err, `FILE is what "cell key export" printed`)
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
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: this home is %s now\n", identity.ID())
			return nil
		},
	}
	passphraseFlag(cmd, &passphraseFile)
	return cmd
}

func passphraseFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "passphrase-file", "",
		"read the passphrase from the first line of `FILE`, and do not ask")
}

// readPassphrase reads the passphrase from a file or asks for it, twice if it is a new one.
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
		return "", hint(errors.New("there is no terminal to ask for a passphrase"),
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
	again, err := ask("the same again: ")
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
		return nil, hint(errors.New("the passphrase is wrong"), "try again: nothing was changed")
	}
	if err != nil {
		return nil, hint(fmt.Errorf("not an exported key: %w", err),
			`FILE is what "cell key export" printed`)
	}
	return io.ReadAll(io.LimitReader(plain, 64<<10))
}

// install makes the key the home's, unless the home has another.
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
		return node.Identity{}, fmt.Errorf("what was exported is no key: %w", err)
	}
	err = os.Link(path, h.IdentityKey()) // fails if there is one
	if errors.Is(err, fs.ErrExist) {
		now, err := node.LoadIdentity(h.IdentityKey())
		if err == nil && now.ID() == identity.ID() {
			return identity, nil
		}
		return node.Identity{}, hint(fmt.Errorf("home %s is another peer already", h),
			fmt.Sprintf("to replace it, move %s away first", h.IdentityKey()))
	}
	return identity, err
}

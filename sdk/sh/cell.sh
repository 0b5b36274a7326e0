# Call cells from a shell script. POSIX sh; needs the program `cell` on the path, mktemp and mv.
#
#   . ./cell.sh
#
#   cell_ask shout@laptop hello                          sends the words and a newline, prints the answer
#   cell_call shout@laptop <question >answer             sends stdin, prints the answer
#   cell_get resize@laptop small.png <big.png            the file is there if the answer is whole, else untouched
#
# All of them start the cell if it is not running, and return 0 when it has ended the call, 1 with a reason on stderr when
# it was refused or cut, and 2 for an address that is none. In `cell_ask … | program`, the shell looks at the status of
# program alone: where a cut answer would hurt, use cell_get, or answer=$(cell_ask …) || exit.
#
# What this can't do: tell one refusal from another but by its words, and be a cell, since sh can't listen. A cell can be
# a shell script around any program that listens at the Unix socket "$CELL_SOCKET".

# cell_call ADDRESS: connect stdin and stdout to a cell. The end of stdin is passed on.
cell_call() {
	cell connect "$1"
}

# cell_ask ADDRESS [WORD...]: send the words on one line and print the answer.
cell_ask() (
	to=$1
	shift
	IFS=' '
	# stdin is not a pipe: the status is that of cell, and it must not depend on who ends first
	cell connect "$to" <<-END
	$*
	END
)

# cell_get ADDRESS FILE: send stdin, and have the whole answer in FILE or nothing.
cell_get() (
	part=$(mktemp "$2.XXXXXX") || exit 1
	trap 'rm -f "$part"' EXIT
	trap 'exit 1' HUP INT TERM
	cell connect "$1" >"$part" || exit
	mv "$part" "$2"
)

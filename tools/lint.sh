#!/bin/sh
# tools/lint.sh clang_tidy|cppcheck BUILD - one linter over app, drivers and platform.
# BUILD is a configured build folder: it holds compile_commands.json and autoconf.h. The analyzer
# gives up on a function after NODES states: 75,000, which spares the suite a minute of two
# processors; `./do tidy` looks as far as it does by itself (225,000).
linter=$1 build=$2 nodes=${NODES:-75000}
cd "$(dirname "$0")/.." || exit 1

need() {
	command -v "$1" > /dev/null && return
	echo "SKIP: $1 is not installed"
	exit 77
}

case $linter in
clang_tidy)
	need clang-tidy
	need run-clang-tidy
	# run-clang-tidy prints a line for each file; only findings are of interest.
	run-clang-tidy -quiet -j "$(nproc)" -p "$build" \
		-extra-arg=-Xclang -extra-arg=-analyzer-config \
		-extra-arg=-Xclang -extra-arg="max-nodes=$nodes" "^$PWD/(app|drivers|platform)/" \
		> "$build/clang-tidy.log" 2>&1
	status=$?
	grep -E 'warning:|error:' "$build/clang-tidy.log" | sed 's/\x1b\[[0-9;]*m//g' | sort -u
	exit $status
	;;
cppcheck)
	# Of uninitialised memory gcc and clang's analyzer judge better: cppcheck takes a pointer
	# that is handed to an initialiser for a read.
	need cppcheck
	mkdir -p "$build/cppcheck"
	exec cppcheck --quiet --std=c11 --error-exitcode=1 -j "$(nproc)" --inline-suppr \
		--enable=warning,performance,portability --cppcheck-build-dir="$build/cppcheck" \
		--suppress=missingIncludeSystem --suppress=ctuuninitvar \
		--suppress=uninitvar --suppress=uninitStructMember \
		-I . --include="$build/autoconf.h" app drivers platform
	;;
*)
	echo "usage: tools/lint.sh clang_tidy|cppcheck BUILD" >&2
	exit 2
	;;
esac

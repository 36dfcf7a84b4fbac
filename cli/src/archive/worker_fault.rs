//! Faults on demand, in builds for tests only: what a call whose name says so does to its worker.

use std::time::Duration;

/// Variable of the environment without which nothing happens.
const VARIABLE: &str = "AFFECT_TEST_FAULTS";

/// Crashes, hangs or swells where the key has the word for it.
pub fn strike(key: &str) {
    if std::env::var_os(VARIABLE).is_none() {
        return;
    }
    if key.contains("crash") {
        std::process::abort();
    }
    if key.contains("hang") {
        loop {
            std::thread::sleep(Duration::from_secs(3600));
        }
    }
    if key.contains("swell") {
        let mut memory: Vec<Vec<u8>> = Vec::new();
        loop {
            memory.push(vec![1; 16 << 20]);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    if key.contains("panic") {
        panic!("as the test asked for");
    }
}

//! Interruptions: SIGINT, SIGTERM and SIGHUP.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static STOP: AtomicBool = AtomicBool::new(false);

/// The flag that an interruption sets; from now on the first one is a request, and the second one ends the program at once.
pub fn flag() -> &'static AtomicBool {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without a handler an interruption still ends the program, only less gently.
        let _ = ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(crate::INTERRUPTED));
            }
        });
    });
    &STOP
}

/// Whether an interruption was asked for.
pub fn asked() -> bool {
    STOP.load(Ordering::Relaxed)
}

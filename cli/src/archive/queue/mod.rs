//! The queue: parts of archives on NATS JetStream, taken by workers on as many machines as there are.
//!
//! The queue says who tries a part next, and nothing else. A part counts by its commit, so that messages may be lost, doubled or late: what
//! is not committed is submitted again.

mod address;
mod args;
#[cfg(feature = "queue")]
mod connection;
#[cfg(feature = "queue")]
mod depth;
#[cfg(feature = "queue")]
mod hand;
#[cfg(feature = "queue")]
mod lease;
#[cfg(any(test, feature = "queue"))]
#[cfg_attr(not(feature = "queue"), allow(dead_code, reason = "without a queue only its form is tested"))]
mod message;
#[cfg(feature = "queue")]
mod submit;
#[cfg(any(test, feature = "queue"))]
mod verdict;
#[cfg(feature = "queue")]
mod work;

pub use args::{QueueArgs, ReachArgs, SubmitArgs, WorkArgs};
#[cfg(feature = "queue")]
pub use {depth::Depth, depth::depth, submit::run as submit, work::run as work};

#[cfg(not(feature = "queue"))]
pub use absent::{Depth, depth, submit, work};

/// What a program without a queue says.
#[cfg(not(feature = "queue"))]
mod absent {
    use super::super::{Stop, mismatch};
    use super::{QueueArgs, SubmitArgs, WorkArgs};
    use affect_archive::Run;
    use std::collections::BTreeMap;
    use std::path::Path;

    /// What a queue holds: nothing that this program could know.
    #[derive(Debug, serde::Serialize)]
    pub enum Depth {}

    impl Depth {
        pub fn text(&self) -> String {
            match *self {}
        }
    }

    fn absent(queue: &QueueArgs) -> Stop {
        let absent =
            "--queue: this program was built without queues: cargo build --release -p affect-cli --features queue";
        queue.address().err().unwrap_or_else(|| mismatch(absent))
    }

    pub fn submit(args: &SubmitArgs) -> Result<u8, Stop> {
        Err(absent(&args.queue))
    }

    pub fn work(args: &WorkArgs) -> Result<u8, Stop> {
        Err(absent(&args.queue))
    }

    pub fn depth<T>(args: &QueueArgs, _: &Path, _: &Run, _: &BTreeMap<u32, T>) -> Result<Depth, Stop> {
        Err(absent(args))
    }
}

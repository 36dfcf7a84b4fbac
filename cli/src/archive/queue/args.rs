//! Options of the verbs that have to do with a queue. A program without queues takes them too, and says what it lacks.
#![cfg_attr(not(feature = "queue"), allow(dead_code, reason = "understood, and then refused"))]

use super::super::machine::MachineArgs;
use super::super::status::WhichArgs;
use super::super::units::time;
use super::super::{Stop, mismatch};
use super::address::Address;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// How to get to a queue.
#[derive(Debug, Clone, Args)]
pub struct QueueArgs {
    /// Queue on NATS JetStream: nats://[user:password@]host[:port][,host...][/name], or tls://...; without a name it is affect.
    #[arg(long, value_name = "ADDRESS")]
    queue: String,
    #[command(flatten)]
    pub reach: ReachArgs,
}

impl QueueArgs {
    pub fn new(queue: &str, reach: &ReachArgs) -> Self {
        Self { queue: queue.to_owned(), reach: reach.clone() }
    }

    /// The address. It is not the command line's parser that refuses one: that would show a password.
    pub fn address(&self) -> Result<Address, Stop> {
        Address::parse(&self.queue).map_err(|why| mismatch(format!("--queue: {why}")))
    }
}

/// What a connection takes beside the address.
#[derive(Debug, Clone, Args)]
pub struct ReachArgs {
    /// NATS credentials: a file with a user's token and key.
    #[arg(long, value_name = "FILE", requires = "queue")]
    pub creds: Option<PathBuf>,
    /// Certificates of authorities that the queue's server is trusted by, beside those of the system.
    #[arg(long, value_name = "FILE", requires = "queue")]
    pub tls_ca: Option<PathBuf>,
    /// How long the queue may be away before the command gives up (exit code 75).
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    pub away: Duration,
}

#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// Folder of plans and results, as the workers see it.
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    #[command(flatten)]
    pub which: WhichArgs,
    #[command(flatten)]
    pub queue: QueueArgs,
    /// Everything anew that is not committed: dead letters, and what the queue has lost track of.
    #[arg(long)]
    pub again: bool,
}

#[derive(Debug, Args)]
pub struct WorkArgs {
    #[command(flatten)]
    pub queue: QueueArgs,
    /// Only archives here or below; what messages say of others becomes a dead letter. Without it all archives that messages name.
    #[arg(long, value_name = "FOLDER")]
    pub within: Option<PathBuf>,
    /// Leave when there was nothing to do for so long. Without it work goes on until SIGTERM.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until_idle: Option<Duration>,
    /// Lease: a part that does not get on for so long is given to somebody else. The same for all workers of a queue.
    #[arg(long, value_name = "TIME", default_value = "6m", value_parser = time)]
    pub lease: Duration,
    /// How often a part is given out before it becomes a dead letter.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_deliver: u32,
    #[command(flatten)]
    pub machine: MachineArgs,
}

//! Connection to a queue: its streams are found or made, and what goes wrong has a kind.

use super::super::{AWAY, MISMATCH, Stop};
use super::address::{Address, Login};
use super::args::ReachArgs;
use super::message::{Dead, Part, part_of};
use crate::interrupt;
use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use async_nats::jetstream::context::{ContextBuilder, CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, ConsumerErrorKind, RetentionPolicy, Stream};
use async_nats::jetstream::{Error as ServerError, ErrorCode};
use async_nats::{ConnectErrorKind, ConnectOptions, ServerAddr};
use futures_util::TryStreamExt;
use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

/// How long an answer of the server may take.
const ANSWER: Duration = Duration::from_secs(5);
/// Waits between two tries: the first one, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(8));
/// Within so long a part that was submitted twice is there once.
pub const DUPLICATES: Duration = Duration::from_secs(120);
/// Name of the consumer that all workers share.
pub const WORKERS: &str = "workers";
/// Workers that may wait for a part at the same time.
const WAITING: i64 = 8192;
/// Most dead letters of a queue; the oldest go first.
const MOST_DEAD: i64 = 1_000_000;

/// Why a queue cannot be used.
#[derive(Debug)]
pub enum QueueError {
    /// It does not answer: it may later.
    Away { address: String, why: String },
    /// It does not let this user in, or is no queue for this: trying again does not help.
    Unfit { address: String, why: String },
}

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away { address, why } => {
                write!(f, "the queue at {address} does not answer ({why}): try again when it is there")
            }
            Self::Unfit { address, why } => write!(f, "the queue at {address} cannot be used: {why}"),
        }
    }
}

impl std::error::Error for QueueError {}

impl From<QueueError> for Stop {
    fn from(e: QueueError) -> Self {
        Self(if matches!(e, QueueError::Away { .. }) { AWAY } else { MISMATCH }, e.to_string())
    }
}

/// Runs what waits for a queue, on this thread.
pub fn block_on<T>(work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Stop(AWAY, format!("cannot wait for a queue: {e}")))?.block_on(work)
}

/// Tries again while the queue is away, for some time.
pub async fn patiently<T>(
    patience: Duration,
    mut attempt: impl AsyncFnMut() -> Result<T, QueueError>,
) -> Result<T, QueueError> {
    let (begun, mut pause) = (Instant::now(), PAUSES.0);
    loop {
        match attempt().await {
            Err(QueueError::Away { .. }) if begun.elapsed() + pause < patience && !interrupt::asked() => {
                tokio::time::sleep(pause).await;
                pause = (2 * pause).min(PAUSES.1);
            }
            other => return other,
        }
    }
}

/// A queue, connected to.
#[derive(Debug, Clone)]
pub struct Queue {
    pub context: Context,
    address: Address,
}

impl Queue {
    /// Connects to a queue; tries for as long as it may be away.
    pub async fn open(address: &Address, reach: &ReachArgs) -> Result<Self, QueueError> {
        patiently(reach.away, async || Self::connect(address, reach).await).await
    }

    async fn connect(address: &Address, reach: &ReachArgs) -> Result<Self, QueueError> {
        let unfit = |why: String| QueueError::Unfit { address: address.to_string(), why };
        let servers: Result<Vec<ServerAddr>, _> = address.servers.iter().map(|s| s.parse::<ServerAddr>()).collect();
        let servers = servers.map_err(|e| unfit(e.to_string()))?;
        let mut options = ConnectOptions::new()
            .name("affect")
            .require_tls(address.tls)
            .connection_timeout(ANSWER)
            .reconnect_delay_callback(|n| (PAUSES.0 * u32::try_from(n.min(5)).unwrap_or(5)).min(PAUSES.1));
        options = match address.login.clone() {
            Some(Login::Password { user, password }) => options.user_and_password(user, password),
            Some(Login::Token(token)) => options.token(token),
            None => options,
        };
        if let Some(file) = &reach.tls_ca {
            options = options.add_root_certificates(file.clone());
        }
        if let Some(file) = &reach.creds {
            let read = options.credentials_file(file).await;
            options = read.map_err(|e| unfit(format!("--creds {}: {e}", file.display())))?;
        }
        let client = options.connect(servers).await.map_err(|e| match e.kind() {
            ConnectErrorKind::Dns
            | ConnectErrorKind::TimedOut
            | ConnectErrorKind::Io
            | ConnectErrorKind::MaxReconnects => QueueError::Away { address: address.to_string(), why: e.to_string() },
            _ => unfit(format!("{e}: expected an address, --creds or --tls-ca that fit the server")),
        })?;
        let context = ContextBuilder::new().timeout(ANSWER).build(client);
        Ok(Self { context, address: address.clone() })
    }

    pub fn name(&self) -> &str {
        &self.address.name
    }

    /// Whether there is no connection just now.
    pub fn is_away(&self) -> bool {
        self.context.client().connection_state() != State::Connected
    }

    pub fn away(&self, why: impl fmt::Display) -> QueueError {
        QueueError::Away { address: self.address.to_string(), why: why.to_string() }
    }

    fn unfit(&self, why: impl fmt::Display) -> QueueError {
        QueueError::Unfit { address: self.address.to_string(), why: why.to_string() }
    }

    /// What a server's own error says.
    fn said(&self, e: &ServerError) -> QueueError {
        match e.error_code() {
            ErrorCode::JETSTREAM_NOT_ENABLED | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => self
                .unfit("JetStream is off: switch it on in the server's configuration (jetstream { store_dir: ... })"),
            ErrorCode::STREAM_SUBJECT_OVERLAP | ErrorCode::STREAM_NAME_EXIST => {
                self.unfit(format!("its names are taken ({e}): choose another name in the address"))
            }
            _ => self.away(e),
        }
    }

    /// A stream, where it is there.
    async fn find(&self, name: &str) -> Result<Option<Stream>, QueueError> {
        match self.context.get_stream(name).await {
            Ok(stream) => Ok(Some(stream)),
            Err(e) => match e.kind() {
                GetStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
                GetStreamErrorKind::JetStream(e) => Err(self.said(&e)),
                _ => Err(self.away(e)),
            },
        }
    }

    /// A stream, which is made where it is not there. One that was made beforehand keeps its replicas and limits.
    async fn found_or_made(&self, config: Config) -> Result<Stream, QueueError> {
        let (retention, name) = (config.retention, config.name.clone());
        let there = self.find(&name).await?;
        let stream = match there {
            Some(stream) => stream,
            None => match self.context.create_stream(config).await {
                Ok(stream) => stream,
                Err(e) => match e.kind() {
                    CreateStreamErrorKind::JetStream(e) => return Err(self.said(&e)),
                    _ => return Err(self.away(e)),
                },
            },
        };
        let kept = stream.cached_info().config.retention;
        if kept == retention {
            return Ok(stream);
        }
        Err(self.unfit(format!(
            "stream {name} has the retention {kept:?}, expected {retention:?}: choose another name in the address"
        )))
    }

    fn dead_name(&self) -> String {
        format!("{}-dead", self.name())
    }

    /// The streams of parts and of dead letters, which are made where they are not there.
    pub async fn streams(&self) -> Result<(Stream, Stream), QueueError> {
        let name = self.name();
        let parts = self.found_or_made(Config {
            name: name.to_owned(),
            description: Some("affect: parts of archives that are to be done".to_owned()),
            subjects: vec![Part::all(name)],
            retention: RetentionPolicy::WorkQueue,
            duplicate_window: DUPLICATES,
            ..Config::default()
        });
        let parts = parts.await?;
        let dead = self.found_or_made(Config {
            name: self.dead_name(),
            description: Some("affect: parts that were given up, and why".to_owned()),
            subjects: vec![Dead::all(name)],
            max_messages_per_subject: 1,
            max_messages: MOST_DEAD,
            ..Config::default()
        });
        Ok((parts, dead.await?))
    }

    /// The same, where both are there.
    pub async fn found(&self) -> Result<Option<(Stream, Stream)>, QueueError> {
        let parts = self.find(self.name()).await?;
        Ok(parts.zip(self.find(&self.dead_name()).await?))
    }

    /// What all workers of the queue share. How often a part is given out is counted by them, so that there is always one to say why it was
    /// given up.
    pub async fn consumer(&self, parts: &Stream, lease: Duration) -> Result<Consumer<pull::Config>, QueueError> {
        let config = pull::Config {
            durable_name: Some(WORKERS.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: lease,
            max_deliver: -1,
            max_ack_pending: -1,
            max_waiting: WAITING,
            filter_subject: Part::all(self.name()),
            ..pull::Config::default()
        };
        parts.create_consumer(config).await.map_err(|e| match e.kind() {
            ConsumerErrorKind::JetStream(e) => match e.error_code() {
                ErrorCode::STREAM_NOT_FOUND => self.away(e),
                _ => self.said(&e),
            },
            _ => self.away(e),
        })
    }

    /// Makes the consumer anew where the stream holds parts and it knows of none, as it happens to servers that were killed.
    pub async fn find_lost(&self) -> Result<(), QueueError> {
        let (parts, _) = self.streams().await?;
        let Ok(mut consumer) = parts.get_consumer::<pull::Config>(WORKERS).await else { return Ok(()) };
        let info = consumer.info().await.map_err(|e| self.away(e))?;
        if info.num_pending == 0 && info.num_ack_pending == 0 && parts.cached_info().state.messages > 0 {
            // Two workers may do so at once: then a part is given out twice, and counts once.
            parts.delete_consumer(WORKERS).await.map_err(|e| self.away(e))?;
        }
        Ok(())
    }

    /// Numbers at the end of the subjects that a stream holds messages of.
    pub async fn numbers(&self, stream: &Stream, filter: String) -> Result<BTreeSet<u32>, QueueError> {
        let subjects = stream.info_with_subjects(filter).await.map_err(|e| self.away(e))?;
        let counts: Vec<(String, usize)> = subjects.try_collect().await.map_err(|e| self.away(e))?;
        Ok(counts.iter().filter_map(|(subject, _)| part_of(subject)).collect())
    }
}

//! Conversation: who talks when, who waits for whom, and how each party sounds over a call.
//!
//! [`Talk`] takes decisions of voice activity, one every 10 ms for each party, and counts; what rests on whole spurts of speech (interruptions, backchannels,
//! turns, reply gaps) follows from their list whenever somebody asks. A [`Conversation`] joins that with the segments that were measured
//! and scored, and [`Conversation::record`] gives all of it as one flat list of measures, each a number or a reason why there is none. What each
//! measure is stands in the [`catalogue`]. Live and recorded are the same object, so their numbers are the same.
//!
//! Parties are channels. A recording with one channel, or with the same sound on all of them, has no measures per party: nothing here
//! guesses who speaks.

mod activity;
pub mod catalogue;
mod events;
mod json;
mod measures;
mod parameters;
mod record;
mod segments;
mod snapshot;
mod spurts;
mod talk;
mod undefined;

pub use activity::Activity;
pub use events::{Events, PartyEvents};
pub use measures::Measure;
pub use parameters::Parameters;
pub use record::{ConversationRecord, Party, party_names};
pub use segments::{SegmentScores, score_names};
pub use snapshot::Conversation;
pub use spurts::Spurt;
pub use talk::{NonTalk, Talk};
pub use undefined::Undefined;

/// Length of a frame: one decision of voice activity, in ns.
pub const FRAME_NS: u64 = 10_000_000;

/// Frames in a second.
pub const FRAMES_PER_SECOND: u64 = 100;

/// Name and version of the schema, the value of `schema` in every record of a conversation.
pub const SCHEMA: &str = "affect.conversation/1";

/// The JSON Schema of a record of a conversation (draft 2020-12).
pub const SCHEMA_JSON: &str = include_str!("../../docs/affect-conversation-1.schema.json");

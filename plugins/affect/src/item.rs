//! Results of either kind: of a segment, or of a conversation.

use crate::{conversation, result};
use affect::analyzer::Policies;
use affect::conversation::ConversationRecord;
use affect::record::{Ended, Record, SegmentKind};
use gst::prelude::*;

/// Result of a segment, or of a conversation.
#[derive(Debug, Clone)]
pub enum Item {
    Segment(Box<Record>),
    Conversation(Box<ConversationRecord>),
}

impl From<Record> for Item {
    fn from(record: Record) -> Self {
        Self::Segment(Box::new(record))
    }
}

impl From<ConversationRecord> for Item {
    fn from(record: ConversationRecord) -> Self {
        Self::Conversation(Box::new(record))
    }
}

impl Item {
    /// Enforces policies on the result. Returns whether it may be handed out.
    pub fn bind(&mut self, policies: &Policies, channels: usize) -> bool {
        match self {
            Self::Segment(r) => policies.bind(r, channels),
            Self::Conversation(r) => policies.bind_conversation(r, channels),
        }
    }

    /// Whether the result is an interim one: a further one will follow.
    pub fn is_interim(&self) -> bool {
        let ended = match self {
            Self::Segment(r) => r.ended,
            Self::Conversation(r) => r.ended,
        };
        ended == Ended::Open
    }

    /// Whether the result is of a single frame, for which no messages are posted.
    pub fn is_frame(&self) -> bool {
        matches!(self, Self::Segment(r) if r.segment == SegmentKind::Frame)
    }

    /// The result as a structure.
    pub fn structure(&self) -> gst::Structure {
        match self {
            Self::Segment(r) => result::structure(r),
            Self::Conversation(r) => conversation::structure(r),
        }
    }

    /// The result as an element message.
    pub fn message(&self, source: &impl IsA<gst::Object>) -> gst::Message {
        match self {
            Self::Segment(r) => result::message(r, source),
            Self::Conversation(r) => conversation::message(r, source),
        }
    }
}

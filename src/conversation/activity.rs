//! Voice activity of one party in one frame of 10 ms.

/// Voice activity of one party in one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Activity {
    /// The party is silent.
    #[default]
    Silence,
    /// The party speaks.
    Speech,
    /// Somebody speaks, and the party's channel carries the same sound as another one: whose speech it is cannot be told.
    Shared,
    /// The frame was lost, or its samples were no numbers: neither talk nor silence.
    Unknown,
}

impl Activity {
    /// Whether it says what the party does.
    #[must_use]
    pub const fn is_clear(self) -> bool {
        matches!(self, Self::Silence | Self::Speech)
    }
}

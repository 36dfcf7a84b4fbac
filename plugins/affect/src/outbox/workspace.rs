//! Working data of one thread at a time (the streaming one, or one of the pool), kept in the state between two buffers.

/// A value that a thread takes out of the state while it works, so that nobody waits for it meanwhile. Others leave
/// a note for the next time it is taken.
#[derive(Debug)]
pub struct Workspace<T> {
    value: Option<Box<T>>,
    stale: bool,
    restart: bool,
    reset: bool,
}

impl<T> Default for Workspace<T> {
    fn default() -> Self {
        Self { value: None, stale: false, restart: false, reset: false }
    }
}

/// What others have asked for since the value was taken last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notes {
    /// The settings have changed.
    pub stale: bool,
    /// What is pending shall be forgotten.
    pub restart: bool,
    /// Everything shall be forgotten.
    pub reset: bool,
}

impl<T: Default> Workspace<T> {
    /// Takes the value, or a new one, and the notes left for it.
    pub fn take(&mut self) -> (Box<T>, Notes) {
        let notes = Notes {
            stale: std::mem::take(&mut self.stale),
            restart: std::mem::take(&mut self.restart),
            reset: std::mem::take(&mut self.reset),
        };
        (self.value.take().unwrap_or_default(), notes)
    }

    /// Puts the value back.
    pub fn put(&mut self, value: Box<T>) {
        self.value = Some(value);
    }

    /// Notes that the settings have changed.
    pub fn outdate(&mut self) {
        self.stale = true;
    }

    /// Notes that what is pending shall be forgotten.
    pub fn restart(&mut self) {
        self.restart = true;
    }

    /// Notes that everything shall be forgotten.
    pub fn reset(&mut self) {
        self.reset = true;
    }
}

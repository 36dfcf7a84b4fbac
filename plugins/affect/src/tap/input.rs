//! Inputs of the analysis: the buffers and events of a pad, in order.

/// Input of the analysis. Small, because hundreds of them may wait.
#[derive(Debug)]
pub enum Input {
    /// Audio and its duration.
    Audio(gst::Buffer, gst::ClockTime),
    /// Duration of audio that is left out in an overload.
    LeftOut(gst::ClockTime),
    /// A gap event.
    Gap(gst::ClockTime, Option<gst::ClockTime>),
    /// Results of an element upstream that no buffer carries.
    Results(Vec<gst::Structure>),
    /// Another form of audio.
    Info(Box<gst_audio::AudioInfo>),
    /// Another stream.
    Stream(String),
    /// Another segment; none where it is not counted in time.
    Segment(Option<Box<gst::FormattedSegment<gst::ClockTime>>>),
    /// The end of the stream, or of a part of it.
    End,
    /// The element stops in the middle of the stream.
    Stop,
}

impl Input {
    /// Whether the input is still valid after a flush.
    pub fn outlives_a_flush(&self) -> bool {
        matches!(self, Self::Info(_) | Self::Stream(_) | Self::Segment(_))
    }

    /// Duration of the audio in it; zero for events.
    pub fn audio(&self) -> gst::ClockTime {
        if let Self::Audio(_, duration) = self { *duration } else { gst::ClockTime::ZERO }
    }

    /// Duration that a hole has in place of this input; `None` for inputs that must not be left out.
    pub fn passes(&self) -> Option<gst::ClockTime> {
        match self {
            Self::Audio(_, duration) | Self::LeftOut(duration) => Some(*duration),
            Self::Gap(_, duration) => Some(duration.unwrap_or_default()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_input_is_small() {
        assert!(size_of::<super::Input>() <= 32, "{} bytes", size_of::<super::Input>());
    }
}

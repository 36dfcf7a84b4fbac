//! What the application hears of an overload.

/// What the application shall hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The analysis is so far behind.
    Behind(gst::ClockTime),
    /// So much audio was left out.
    LeftOut(gst::ClockTime),
}

impl Notice {
    /// The text of the warning.
    pub fn text(self) -> String {
        let seconds = |t: gst::ClockTime| t.nseconds() as f64 * 1e-9;
        match self {
            Self::Behind(lag) => format!(
                "The analysis is {:.1} s behind the audio: interim results are left out until it has caught up",
                seconds(lag)
            ),
            Self::LeftOut(hole) => {
                format!("The analysis cannot keep up with the audio: {:.1} s of it were not analysed", seconds(hole))
            }
        }
    }

    /// What to do about it.
    pub const ADVICE: &str = "The audio itself is not delayed. Run fewer streams on this machine, or ask for less: a longer hop or \
                              interval, attribution=groups, one feature set, a smaller model.";
}

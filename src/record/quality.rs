//! How good the audio of a segment is.

/// The reason in records for what is not speech.
pub const NOT_SPEECH: &str = "not-speech";

/// Quality of the audio under one result. What cannot be told is `None` with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quality {
    /// Seconds of speech by voice activity detection, without the stretches that are made of something else; `None`
    /// where none ran.
    pub speech_s: Option<f32>,
    /// Share of frames that are voiced, 0 to 1; `None` without frames.
    pub voiced_share: Option<f32>,
    /// Power of speech over that of the pauses heard so far on this channel, in dB; `None` where no pause was heard,
    /// the pauses are digital silence, or no voice activity detection ran.
    pub snr_db: Option<f32>,
    /// Share of input samples at or beyond full scale, 0 to 1; `None` without samples.
    pub clipping_share: Option<f32>,
    /// Frequency below which 95 % of the frames that carry sound have their highest bin within 40 dB of their
    /// strongest, in Hz; `None` where nothing sounds. Never above half the input's rate, nor above 8000 (the analysis
    /// runs at 16 kHz).
    pub bandwidth_hz: Option<f32>,
    /// Level of the segment relative to a full-scale square wave, in dB; `None` for digital silence.
    pub level_dbfs: Option<f32>,
    /// Frames left out because samples under them were missing or no numbers.
    pub skipped_frames: u64,
    /// What the segment is made of is not speech (tones, notes, noise that the detector let through): its features describe
    /// a sound that is no voice, and no model scores it. `false` where nothing decided.
    pub not_speech: bool,
}

//! Audio quality of a segment.

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
    /// Power of the speech over that of the noise, in dB, -10 (no speech found in the noise) or more; `None` for less
    /// than 0.2 s of sound, and for a held vowel or tone without a pause.
    ///
    /// Noise: the level to which the sound comes back between words and sentences, within the segment and up to 5 s before
    /// it. Speech: its energy above the noise over the time it takes, pauses of 200 ms and more left out. Digital silence
    /// counts as neither.
    pub snr_db: Option<f32>,
    /// Share of input samples at or beyond full scale, 0 to 1; `None` without samples.
    pub clipping_share: Option<f32>,
    /// Frequency from which on the sound came through: where a line weakens the voice by 3 dB, in Hz, 100 to 450; 0
    /// where no harmonic that should be there is missing. `None` where there is too little voice to tell by, within the
    /// segment and up to 5 s before it.
    pub band_low_hz: Option<f32>,
    /// Frequency below which 95 % of the frames that carry sound have their highest bin within 40 dB of their
    /// strongest, in Hz; `None` where nothing sounds. Never above half the input's rate, nor above 8000 (the analysis
    /// runs at 16 kHz).
    pub bandwidth_hz: Option<f32>,
    /// Level of the segment relative to a full-scale square wave, in dB; `None` for digital silence.
    pub level_dbfs: Option<f32>,
    /// Frames left out because samples under them were missing or no numbers.
    pub skipped_frames: u64,
    /// Share of samples that were lost on the way (missing packets, gaps), 0 to 1; `None` without samples.
    pub lost_share: Option<f32>,
    /// Share of samples that were lost and concealed before the analysis, 0 to 1; `None` without samples. The rest of
    /// [`Self::lost_share`] stayed holes, which no frame reaches across.
    pub concealed_share: Option<f32>,
    /// What the segment is made of is not speech (tones, notes, noise that the detector let through): its features describe
    /// a sound that is no voice, and no model scores it. `false` where nothing decided.
    pub not_speech: bool,
}

//! Layout of a layer's tensor: which of its axes runs over time.

use crate::model::{Inside, Model, ModelError};

/// Arrangement of a layer of one utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `[1, frames, channels]`
    FramesByChannels,
    /// `[1, channels, frames]`
    ChannelsByFrames,
}

impl Layout {
    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FramesByChannels => "frames-by-channels",
            Self::ChannelsByFrames => "channels-by-frames",
        }
    }

    /// Frames and channels of a shape.
    #[must_use]
    pub fn lengths(self, shape: &[usize]) -> (usize, usize) {
        let at = |k: usize| shape.get(k).copied().unwrap_or(0);
        match self {
            Self::FramesByChannels => (at(1), at(2)),
            Self::ChannelsByFrames => (at(2), at(1)),
        }
    }

    /// Place of an element of a frame and a channel.
    #[must_use]
    pub fn place(self, frame: usize, channel: usize, frames: usize, channels: usize) -> usize {
        match self {
            Self::FramesByChannels => frame * channels + channel,
            Self::ChannelsByFrames => channel * frames + frame,
        }
    }
}

/// Shares of the length that are tried: what changes with the length runs over time.
const SHORTER: [f64; 2] = [0.61, 0.37];

/// The layout of a layer, found by what changes when fewer samples go in; where the graph takes one number of samples only, by
/// the number of frames that its convolutions make of them.
///
/// # Errors
/// [`ModelError::Mismatch`] for layers that are no table of frames and channels; [`ModelError`] of the runs.
pub fn layout(model: &Model, inside: &Inside, samples: &[f32], shape: &[usize]) -> Result<Layout, ModelError> {
    let refuse = |found: String| {
        ModelError::mismatch(format!("layer \"{}\"", inside.layer()), "frames and channels of one utterance", found)
    };
    if shape.len() != 3 || shape[0] != 1 {
        return Err(refuse(format!("shape {shape:?}")));
    }
    let fixed = model.takes_waveform().and_then(crate::model::Waveform::exactly);
    let (rows, columns) = if let Some(n) = fixed {
        let frames = crate::onnx::differentiate::frames(model.graph(), model.input(), n);
        (frames == Some(shape[1]), frames == Some(shape[2]))
    } else {
        let mut changed = (false, false);
        for share in SHORTER {
            let n = ((samples.len() as f64 * share) as usize).max(400).min(samples.len());
            let other = model.look_inside(inside, &samples[..n], 0)?.shape;
            if other.len() == 3 {
                changed = (changed.0 || other[1] != shape[1], changed.1 || other[2] != shape[2]);
            }
        }
        changed
    };
    match (rows, columns) {
        (true, false) => Ok(Layout::FramesByChannels),
        (false, true) => Ok(Layout::ChannelsByFrames),
        (true, true) => Err(refuse(format!("shape {shape:?}, of which both run over time"))),
        (false, false) => Err(refuse(format!("shape {shape:?}, of which none runs over time"))),
    }
}

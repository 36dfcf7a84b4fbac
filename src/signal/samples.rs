//! One view type over interleaved and planar samples of every width, and the entry of samples into the analysis.

use crate::error::InputError;

/// Samples beyond this absolute value (relative to full scale) are taken for garbage, as NaN and infinity are: +48 dB.
///
/// Sound in floats may exceed full scale where something was mixed or amplified without care, by factors of some tens;
/// what lies beyond is a broken buffer, or integers that nobody scaled.
pub const LARGEST: f32 = 256.0;

/// Values that a block in which nothing sounds may have, and how far they may lie apart.
const STILL_VALUES: usize = 3;
const STILL_SPAN: f32 = 1.0 / 256.0;

/// A sample type that the analysis reads.
pub trait Sample: Copy {
    /// The sample as the analysis sees it: `x = f * 32768 / 32767` with `f` relative to full scale.
    ///
    /// A 16-bit sample `s` thus becomes `s / 32767`, the convention of the reference feature set. No clipping or
    /// wrapping. Values that are not finite stay so.
    fn enter(self) -> f32;
}

impl Sample for i16 {
    fn enter(self) -> f32 {
        f32::from(self) / 32_767.0
    }
}

/// A packed little-endian 24-bit sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct I24(pub [u8; 3]);

impl Sample for I24 {
    fn enter(self) -> f32 {
        let [a, b, c] = self.0;
        let s = i32::from_le_bytes([0, a, b, c]) >> 8;
        // 24 bits fit a float's mantissa, and so does the divisor: one rounding.
        s as f32 / (256.0 * 32_767.0)
    }
}

impl Sample for i32 {
    fn enter(self) -> f32 {
        (f64::from(self) / 65_536.0 / 32_767.0) as f32
    }
}

impl Sample for f32 {
    fn enter(self) -> f32 {
        self * 32_768.0 / 32_767.0
    }
}

impl Sample for f64 {
    fn enter(self) -> f32 {
        (self * 32_768.0 / 32_767.0) as f32
    }
}

/// Samples of one type, interleaved or one slice per channel.
#[derive(Debug, Clone, Copy)]
enum Layout<'a, T> {
    Interleaved(&'a [T]),
    Planar(&'a [&'a [T]]),
}

#[derive(Debug, Clone, Copy)]
enum Data<'a> {
    S16(Layout<'a, i16>),
    S24(Layout<'a, I24>),
    S32(Layout<'a, i32>),
    F32(Layout<'a, f32>),
    F64(Layout<'a, f64>),
}

/// A borrowed block of audio: frames by channels, of any supported width and layout. Nothing is copied.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    data: Data<'a>,
    channels: usize,
    frames: usize,
}

macro_rules! constructors {
    ($($interleaved:ident, $planar:ident, $type:ty, $variant:ident, $what:literal;)*) => {$(
        #[doc = concat!("Interleaved ", $what, " samples.")]
        ///
        /// # Errors
        /// [`InputError::NoChannels`] for 0 channels, [`InputError::RaggedFrames`] where the length is no multiple
        /// of the channel count.
        pub fn $interleaved(data: &'a [$type], channels: usize) -> Result<Self, InputError> {
            let frames = interleaved_frames(data.len(), channels)?;
            Ok(Self { data: Data::$variant(Layout::Interleaved(data)), channels, frames })
        }

        #[doc = concat!("Planar ", $what, " samples, one slice per channel.")]
        ///
        /// # Errors
        /// [`InputError::NoChannels`] for no plane, [`InputError::UnequalPlanes`] where lengths differ.
        pub fn $planar(planes: &'a [&'a [$type]]) -> Result<Self, InputError> {
            let frames = planar_frames(planes)?;
            Ok(Self { data: Data::$variant(Layout::Planar(planes)), channels: planes.len(), frames })
        }
    )*};
}

impl<'a> Samples<'a> {
    constructors! {
        s16, s16_planar, i16, S16, "16-bit";
        s24, s24_planar, I24, S24, "packed 24-bit";
        s32, s32_planar, i32, S32, "32-bit integer";
        f32, f32_planar, f32, F32, "32-bit float";
        f64, f64_planar, f64, F64, "64-bit float";
    }

    /// Number of channels, at least 1.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of samples per channel.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Reads `out.len()` samples of one channel from frame `start` on. Frames past the end leave `out` as it is.
    pub fn read_channel(&self, channel: usize, start: usize, out: &mut [f32]) {
        match self.data {
            Data::S16(d) => read(d, self.channels, channel, start, out),
            Data::S24(d) => read(d, self.channels, channel, start, out),
            Data::S32(d) => read(d, self.channels, channel, start, out),
            Data::F32(d) => read(d, self.channels, channel, start, out),
            Data::F64(d) => read(d, self.channels, channel, start, out),
        }
    }
}

fn read<T: Sample>(data: Layout<'_, T>, channels: usize, channel: usize, start: usize, out: &mut [f32]) {
    match data {
        Layout::Interleaved(all) => {
            let from = start * channels + channel;
            let picked = all.get(from..).unwrap_or_default().iter().step_by(channels);
            out.iter_mut().zip(picked).for_each(|(o, s)| *o = s.enter());
        }
        Layout::Planar(planes) => {
            let plane = planes.get(channel).and_then(|p| p.get(start..)).unwrap_or_default();
            out.iter_mut().zip(plane).for_each(|(o, s)| *o = s.enter());
        }
    }
}

fn interleaved_frames(len: usize, channels: usize) -> Result<usize, InputError> {
    if channels == 0 {
        return Err(InputError::NoChannels);
    }
    if !len.is_multiple_of(channels) {
        return Err(InputError::RaggedFrames { samples: len, channels });
    }
    Ok(len / channels)
}

fn planar_frames<T>(planes: &[&[T]]) -> Result<usize, InputError> {
    let first = planes.first().ok_or(InputError::NoChannels)?.len();
    match planes.iter().position(|p| p.len() != first) {
        Some(channel) => Err(InputError::UnequalPlanes { expected: first, found: planes[channel].len(), channel }),
        None => Ok(first),
    }
}

/// Whether a value is a sample: a number, and not beyond [`LARGEST`].
#[must_use]
#[inline]
pub fn is_sample(x: f32) -> bool {
    x.abs() <= LARGEST
}

/// Number of samples at or beyond full scale.
#[must_use]
pub fn clipped(block: &[f32]) -> u32 {
    block.iter().map(|x| u32::from(x.abs() >= 1.0 && is_sample(*x))).sum()
}

/// Whether nothing sounds in a block but the last bits of a coded line: at most three values within 1/256 of full scale.
/// Hum below the step of a companded line comes out as a pattern of them, which may well be periodic.
#[must_use]
pub fn is_still(block: &[f32]) -> bool {
    let (mut values, mut count) = ([0.0f32; STILL_VALUES], 0);
    for x in block {
        if !values[..count].contains(x) {
            if count == STILL_VALUES {
                return false;
            }
            values[count] = *x;
            count += 1;
        }
    }
    let (low, high) = values[..count].iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    count > 0 && high - low <= STILL_SPAN
}

/// Replaces what is not a sample ([`is_sample`]) by 0, and denormals. Says whether something was replaced.
pub fn clean(block: &mut [f32]) -> bool {
    let suspicious = block.iter().fold(false, |s, x| s | !(f32::MIN_POSITIVE..=LARGEST).contains(&x.abs()));
    let mut bad = false;
    if suspicious {
        for x in block {
            if !is_sample(*x) {
                *x = 0.0;
                bad = true;
            } else if x.abs() < f32::MIN_POSITIVE {
                *x = 0.0;
            }
        }
    }
    bad
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(view: &Samples<'_>, channel: usize) -> Vec<f32> {
        let mut out = vec![f32::NAN; view.frames()];
        view.read_channel(channel, 0, &mut out);
        out
    }

    proptest! {
        /// The same 16-bit audio gives the same analysis samples in every width and layout.
        #[test]
        fn width_and_layout_do_not_matter(frames in 0usize..40, channels in 1usize..5, seed in any::<u32>()) {
            let s: Vec<i16> = (0..frames * channels)
                .map(|i| (seed.wrapping_mul(2_654_435_761).wrapping_add((i as u32).wrapping_mul(40_503)) >> 7) as i16)
                .collect();
            let s24: Vec<I24> = s.iter().map(|v| { let b = v.to_le_bytes(); I24([0, b[0], b[1]]) }).collect();
            let s32: Vec<i32> = s.iter().map(|v| i32::from(*v) << 16).collect();
            let f: Vec<f32> = s.iter().map(|v| f32::from(*v) / 32768.0).collect();
            let d: Vec<f64> = s.iter().map(|v| f64::from(*v) / 32768.0).collect();
            let planes: Vec<Vec<i16>> = (0..channels)
                .map(|c| s.iter().skip(c).step_by(channels).copied().collect())
                .collect();
            let slices: Vec<&[i16]> = planes.iter().map(Vec::as_slice).collect();
            let views = [
                Samples::s16(&s, channels).unwrap(),
                Samples::s24(&s24, channels).unwrap(),
                Samples::s32(&s32, channels).unwrap(),
                Samples::f32(&f, channels).unwrap(),
                Samples::f64(&d, channels).unwrap(),
                Samples::s16_planar(&slices).unwrap(),
            ];
            for c in 0..channels {
                let expected: Vec<f32> = planes[c].iter().map(|v| f32::from(*v) / 32767.0).collect();
                for v in &views {
                    prop_assert_eq!((v.frames(), v.channels()), (frames, channels));
                    prop_assert_eq!(&all(v, c), &expected);
                }
            }
        }
    }

    #[test]
    fn bad_shapes_are_refused_with_what_came() {
        assert_eq!(Samples::s16(&[1, 2, 3], 0).err(), Some(InputError::NoChannels));
        assert_eq!(Samples::s16(&[1, 2, 3], 2).err(), Some(InputError::RaggedFrames { samples: 3, channels: 2 }));
        assert_eq!(
            Samples::f32_planar(&[&[0.0; 3], &[0.0; 2]]).err(),
            Some(InputError::UnequalPlanes { expected: 3, found: 2, channel: 1 })
        );
    }

    #[test]
    fn garbage_is_replaced_and_reported() {
        let mut block = [0.5, f32::NAN, 1e-40, f32::INFINITY, -1.0, 257.0, -256.0];
        assert_eq!(clipped(&block), 2);
        assert!(clean(&mut block));
        assert_eq!(block, [0.5, 0.0, 0.0, 0.0, -1.0, 0.0, -256.0]);
        assert!(!clean(&mut [0.5, 1e-40, 0.0]));
    }

    #[test]
    fn the_last_bits_of_a_line_are_still() {
        let step = 8.0 / 32_768.0;
        assert!(is_still(&[0.0, step, 0.0, -step, 0.0]) && is_still(&[0.2; 80]));
        assert!(!is_still(&[0.0, step, 2.0 * step, -step]) && !is_still(&[0.5, -0.5, 0.5]) && !is_still(&[]));
        assert!(!is_still(&[f32::NAN, f32::NAN, f32::NAN, f32::NAN]));
    }
}

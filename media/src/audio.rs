//! Views of GStreamer's audio buffers for the analysis.

use affect::error::InputError;
use affect::signal::samples::Samples;
use byte_slice_cast::{AsMutByteSlice, AsSliceOf, FromByteSlice};
use gst_audio::{AudioFormat, AudioLayout, AudioPackFlags};

/// Room for formats that are unpacked to a common one first; keeps its storage.
#[derive(Debug, Default)]
pub struct Unpacked {
    integers: Vec<i32>,
    floats: Vec<f64>,
}

/// Callback that takes the samples of a buffer.
pub type Take<'a> = &'a mut dyn FnMut(&Samples<'_>);

/// Hands the samples of a buffer to `take`, in place for native 16-bit, 32-bit and float formats and unpacked
/// otherwise. Every raw audio format and layout is read; the buffer is never mapped writable.
///
/// # Errors
/// A text that says why the buffer cannot be read.
pub fn with_samples(
    buffer: &gst::BufferRef,
    info: &gst_audio::AudioInfo,
    unpacked: &mut Unpacked,
    take: Take<'_>,
) -> Result<(), String> {
    let audio = gst_audio::AudioBufferRef::from_buffer_ref_readable(buffer, info)
        .map_err(|e| format!("cannot map audio buffer: {e}"))?;
    let planes = (0..audio.n_planes())
        .map(|p| audio.plane_data(p))
        .collect::<Result<Vec<&[u8]>, _>>()
        .map_err(|e| format!("cannot read audio buffer: {e}"))?;
    let planar = info.layout() == AudioLayout::NonInterleaved && planes.len() > 1;
    let channels = info.channels() as usize;
    let viewed = match info.format() {
        gst_audio::AUDIO_FORMAT_S16 => {
            view::<i16>(&planes, planar, channels, |d, n| Samples::s16(d, n), |p| Samples::s16_planar(p), take)
        }
        gst_audio::AUDIO_FORMAT_S32 => {
            view::<i32>(&planes, planar, channels, |d, n| Samples::s32(d, n), |p| Samples::s32_planar(p), take)
        }
        gst_audio::AUDIO_FORMAT_F32 => {
            view::<f32>(&planes, planar, channels, |d, n| Samples::f32(d, n), |p| Samples::f32_planar(p), take)
        }
        gst_audio::AUDIO_FORMAT_F64 => {
            view::<f64>(&planes, planar, channels, |d, n| Samples::f64(d, n), |p| Samples::f64_planar(p), take)
        }
        _ => None,
    };
    viewed.unwrap_or_else(|| unpack(&planes, info, planar, unpacked, take))
}

type Interleaved<T> = for<'a> fn(&'a [T], usize) -> Result<Samples<'a>, InputError>;
type Planar<T> = for<'a> fn(&'a [&'a [T]]) -> Result<Samples<'a>, InputError>;

/// `None` where the bytes are not aligned for their type.
fn view<T: FromByteSlice>(
    planes: &[&[u8]],
    planar: bool,
    channels: usize,
    interleaved: Interleaved<T>,
    by_plane: Planar<T>,
    take: Take<'_>,
) -> Option<Result<(), String>> {
    let typed = planes.iter().map(|p| p.as_slice_of::<T>().ok()).collect::<Option<Vec<&[T]>>>()?;
    let samples = match (planar, typed.first()) {
        (true, _) => by_plane(&typed),
        (false, Some(samples)) => interleaved(samples, channels),
        (false, None) => return Some(Ok(())),
    };
    Some(samples.map(|s| take(&s)).map_err(|e| e.to_string()))
}

/// Through GStreamer's own unpacking to 32-bit integers or 64-bit floats; low bits are filled with zeros.
fn unpack(
    planes: &[&[u8]],
    info: &gst_audio::AudioInfo,
    planar: bool,
    unpacked: &mut Unpacked,
    take: Take<'_>,
) -> Result<(), String> {
    let format = info.format_info();
    let bytes = format.width() as usize / 8;
    let channels = info.channels() as usize;
    if bytes == 0 {
        return Err(format!("unknown audio format {:?}", info.format()));
    }
    let total: usize = planes.iter().map(|p| p.len() / bytes).sum();
    let per_plane = planes.first().map_or(0, |p| p.len() / bytes);
    let flags = AudioPackFlags::TRUNCATE_RANGE;
    let taken = if format.unpack_format() == AudioFormat::F64le || format.unpack_format() == AudioFormat::F64be {
        unpacked.floats.resize(total, 0.0);
        for (plane, unpacked) in planes.iter().zip(unpacked.floats.chunks_mut(per_plane.max(1))) {
            format.unpack(flags, unpacked.as_mut_byte_slice(), plane);
        }
        if planar {
            let slices: Vec<&[f64]> = unpacked.floats.chunks(per_plane.max(1)).collect();
            Samples::f64_planar(&slices).map(|s| take(&s))
        } else {
            Samples::f64(&unpacked.floats, channels).map(|s| take(&s))
        }
    } else {
        unpacked.integers.resize(total, 0);
        for (plane, unpacked) in planes.iter().zip(unpacked.integers.chunks_mut(per_plane.max(1))) {
            format.unpack(flags, unpacked.as_mut_byte_slice(), plane);
        }
        if planar {
            let slices: Vec<&[i32]> = unpacked.integers.chunks(per_plane.max(1)).collect();
            Samples::s32_planar(&slices).map(|s| take(&s))
        } else {
            Samples::s32(&unpacked.integers, channels).map(|s| take(&s))
        }
    };
    taken.map_err(|e| e.to_string())
}

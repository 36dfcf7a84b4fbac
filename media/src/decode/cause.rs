//! Why a file could not be decoded, or not wholly, in words that say what to do.

use std::fmt;
use std::io;

/// Why decoding ended before the end of the file.
#[derive(Debug)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file cannot be opened or read.
    Open(io::Error),
    /// The file is a folder.
    Directory,
    /// The file has no bytes.
    Empty,
    /// GStreamer knows no format that begins like this.
    Unknown {
        /// The first bytes.
        beginning: Vec<u8>,
    },
    /// A decoder is not installed.
    MissingDecoder {
        /// The format in words.
        format: String,
        /// Name of its caps.
        caps: String,
        /// Debian package that has a decoder, where that is known.
        package: Option<&'static str>,
    },
    /// There is something in it, and none of it is audio.
    NoAudio {
        /// What there is, as caps.
        others: Vec<String>,
    },
    /// The container or the coded audio is damaged, in GStreamer's words.
    Broken(String),
    /// GStreamer lacks an element that it always has.
    Incomplete(String),
    /// Nothing was read and nothing decoded for this long.
    Stalled {
        /// How long.
        seconds: f64,
        /// Bytes read until then.
        bytes: u64,
    },
    /// An interruption was asked for.
    Interrupted,
    /// Whoever took the audio wanted no more, for this reason.
    Stopped(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(e) => write!(f, "{e}"),
            Self::Directory => write!(f, "is a folder: expected an audio file"),
            Self::Empty => write!(f, "is empty (0 bytes): expected audio"),
            Self::Unknown { beginning } => {
                let hex: Vec<String> = beginning.iter().take(8).map(|b| format!("{b:02x}")).collect();
                write!(
                    f,
                    "no audio format that GStreamer knows begins with the bytes {}: the header is broken, or it is no audio file",
                    hex.join(" ")
                )
            }
            Self::MissingDecoder { format, caps, package } => {
                write!(f, "no decoder for {format} ({caps}) is installed")?;
                match package {
                    Some(p) => write!(f, ": on Debian and Ubuntu, apt install {p}"),
                    None => write!(f, ": install the GStreamer plug-in that decodes it"),
                }
            }
            Self::NoAudio { others } if others.is_empty() => write!(f, "no audio in it"),
            Self::NoAudio { others } => write!(f, "no audio in it, only {}", others.join(", ")),
            Self::Broken(said) => write!(f, "the header or the audio is broken: {said}"),
            Self::Incomplete(said) => write!(f, "GStreamer is incomplete: {said} (run scripts/setup)"),
            Self::Stalled { seconds, bytes } => {
                write!(
                    f,
                    "no progress for {seconds} s, after {bytes} bytes: given up (--patience sets how long to wait)"
                )
            }
            Self::Interrupted => write!(f, "interrupted"),
            Self::Stopped(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open(e) => Some(e),
            _ => None,
        }
    }
}

/// What is wrong with a file that was read to its end.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Defect {
    /// The file ends before the audio that its header states.
    Truncated {
        /// Bytes that are missing.
        bytes: u64,
        /// Seconds that are missing.
        seconds: f64,
        /// Seconds that the header states.
        stated: f64,
    },
    /// The recorder has not finished the header: what there is was read, and more may come.
    Unfinished {
        /// Seconds that were there.
        seconds: f64,
    },
    /// A chunk of odd length lacks its padding byte.
    Unpadded {
        /// Name of the chunk.
        chunk: String,
    },
    /// The file changed its length while it was read.
    Changed {
        /// Bytes at the beginning.
        before: u64,
        /// Bytes at the end.
        now: u64,
    },
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { bytes, seconds, stated } => {
                write!(
                    f,
                    "truncated: {seconds:.3} s of the {stated:.3} s that the header states are missing ({bytes} bytes); what is there was analysed"
                )
            }
            Self::Unfinished { seconds } => {
                write!(
                    f,
                    "the header states no length (a recording that was not finished, or still grows): the {seconds:.3} s that were there were analysed"
                )
            }
            Self::Unpadded { chunk } => {
                write!(
                    f,
                    "chunk \"{chunk}\" has an odd length and no padding byte: no audio is missing, but other programs may read noise"
                )
            }
            Self::Changed { before, now } => {
                write!(f, "the file changed from {before} to {now} bytes while it was read: what came later is missing")
            }
        }
    }
}

pub(super) fn incomplete(e: gst::glib::BoolError) -> DecodeError {
    DecodeError::Incomplete(e.to_string())
}

/// The cause behind an error message.
pub(super) fn of(error: &gst::message::Error, missing: &[gst::Structure], beginning: &[u8]) -> DecodeError {
    let glib = error.error();
    if let Some(e) = missing_decoder(missing) {
        return e;
    }
    if glib.matches(gst::StreamError::TypeNotFound) && !beginning.is_empty() {
        return DecodeError::Unknown { beginning: beginning.to_vec() };
    }
    let debug = error.debug().map(|d| d.to_string()).unwrap_or_default();
    // The last line of the debug text is what the element said; the rest is where in its source it said it.
    let detail = debug.lines().last().map(str::trim).filter(|d| !d.is_empty() && !d.contains("streaming stopped"));
    let said = glib.message().trim_end_matches('.').to_owned();
    DecodeError::Broken(detail.map_or_else(|| said.clone(), |d| format!("{said} ({d})")))
}

/// The first audio decoder that was asked for in vain.
pub(super) fn missing_decoder(missing: &[gst::Structure]) -> Option<DecodeError> {
    missing.iter().find_map(|s| {
        let caps = s.get::<gst::Caps>("detail").ok()?;
        let caps = caps.structure(0)?;
        let format = s.get::<String>("name").unwrap_or_default();
        let format = format.strip_suffix(" decoder").unwrap_or(&format).to_owned();
        let name = caps.name().to_string();
        let package = package(&name, caps);
        Some(DecodeError::MissingDecoder { format, caps: name, package })
    })
}

/// The Debian and Ubuntu package that decodes a format.
fn package(caps: &str, s: &gst::StructureRef) -> Option<&'static str> {
    let version = s.get::<i32>("mpegversion").unwrap_or(0);
    let (base, good) = ("gstreamer1.0-plugins-base", "gstreamer1.0-plugins-good");
    let (bad, ugly, libav) = ("gstreamer1.0-plugins-bad", "gstreamer1.0-plugins-ugly", "gstreamer1.0-libav");
    Some(match caps {
        "audio/x-opus" | "audio/x-vorbis" | "application/ogg" => base,
        "audio/mpeg" if version == 1 => good,
        "audio/mpeg" => libav,
        "audio/x-flac" | "audio/x-speex" | "audio/x-wavpack" | "audio/x-mulaw" | "audio/x-alaw" | "audio/x-wav"
        | "audio/x-aiff" | "audio/x-au" | "video/quicktime" | "audio/x-m4a" | "video/x-matroska"
        | "audio/x-matroska" | "video/webm" | "audio/webm" | "video/x-flv" | "video/x-msvideo" | "audio/x-musepack" => {
            good
        }
        "audio/x-gsm" | "audio/G722" | "audio/x-sbc" | "audio/x-siren" | "video/mpegts" | "application/mxf" => bad,
        "audio/AMR" | "audio/AMR-WB" | "video/x-ms-asf" | "audio/x-private-lpcm" => ugly,
        name if name.starts_with("audio/") || name.starts_with("video/") || name.starts_with("application/") => libav,
        _ => return None,
    })
}

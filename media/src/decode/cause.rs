//! Errors of decoding, and defects of files that were decoded, in words that say what to do.

use std::fmt;
use std::io;

/// Error of decoding: why it ended before the end of the file.
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

/// Defect of a file that was read to its end.
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
        let format =
            [" decoder", " demuxer"].iter().find_map(|kind| format.strip_suffix(kind)).unwrap_or(&format).to_owned();
        let name = caps.name().to_string();
        let package = package(&name, caps);
        Some(DecodeError::MissingDecoder { format, caps: name, package })
    })
}

/// The Debian and Ubuntu package that decodes a format, by the decoders that the packages of Debian 12 declare; `None` where none
/// of them does.
fn package(caps: &str, s: &gst::StructureRef) -> Option<&'static str> {
    let version = s.get::<i32>("mpegversion").unwrap_or(0);
    Some(match caps {
        "audio/x-opus" | "audio/x-vorbis" | "application/ogg" | "audio/ogg" | "video/ogg" => {
            "gstreamer1.0-plugins-base"
        }
        "audio/mpeg" if version == 1 => "gstreamer1.0-plugins-good",
        "audio/x-flac"
        | "audio/x-speex"
        | "audio/x-wavpack"
        | "audio/x-mulaw"
        | "audio/x-alaw"
        | "audio/x-wav"
        | "audio/x-rf64"
        | "audio/x-au"
        | "audio/x-amr-nb-sh"
        | "audio/x-amr-wb-sh"
        | "audio/x-m4a"
        | "audio/x-matroska"
        | "audio/webm"
        | "video/quicktime"
        | "video/x-matroska"
        | "video/webm"
        | "video/x-flv"
        | "video/x-msvideo"
        | "application/x-3gp"
        | "application/x-id3"
        | "application/x-apetag" => "gstreamer1.0-plugins-good",
        "audio/x-aiff" | "audio/x-musepack" | "audio/x-gsm" | "audio/ms-gsm" | "audio/x-sbc" | "audio/x-siren"
        | "audio/x-adpcm" | "audio/x-w64" | "audio/x-voc" | "audio/x-nist" | "audio/x-paris" | "audio/x-ircam"
        | "audio/x-svx" | "audio/x-sds" | "audio/x-dts" | "video/mpeg" | "video/mpegts" | "application/mxf" => {
            "gstreamer1.0-plugins-bad"
        }
        "audio/AMR"
        | "audio/AMR-WB"
        | "audio/x-lpcm"
        | "audio/x-private1-lpcm"
        | "audio/x-private2-lpcm"
        | "audio/x-private-ts-lpcm"
        | "video/x-ms-asf"
        | "application/x-pn-realaudio"
        | "application/vnd.rn-realmedia" => "gstreamer1.0-plugins-ugly",
        "audio/mpeg"
        | "audio/x-ac3"
        | "audio/x-eac3"
        | "audio/G722"
        | "audio/G729"
        | "audio/aptx"
        | "audio/aptx-hd"
        | "audio/qcelp"
        | "audio/x-alac"
        | "audio/x-wma"
        | "audio/x-wms"
        | "audio/x-xma"
        | "application/x-ape"
        | "audio/x-ffmpeg-parsed-ape"
        | "audio/x-tta"
        | "audio/x-ttafile"
        | "audio/x-shorten"
        | "audio/x-true-hd"
        | "audio/x-mlp"
        | "audio/x-dsd"
        | "audio/x-nellymoser"
        | "audio/x-qdm2"
        | "audio/x-pn-realaudio"
        | "audio/x-sipro"
        | "audio/x-truespeech"
        | "audio/x-twin-vq"
        | "audio/x-voxware" => "gstreamer1.0-libav",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    /// What GStreamer asks for in vain, and what to install.
    #[test]
    fn a_missing_decoder_is_named_with_its_package() {
        gst::init().unwrap();
        for (caps, format, package) in [
            ("audio/x-aiff", "Audio Interchange File Format (AIFF) demuxer", Some("gstreamer1.0-plugins-bad")),
            ("audio/mpeg, mpegversion=(int)1, layer=(int)3", "MP3 decoder", Some("gstreamer1.0-plugins-good")),
            ("audio/mpeg, mpegversion=(int)4", "AAC decoder", Some("gstreamer1.0-libav")),
            ("audio/G722", "G.722 decoder", Some("gstreamer1.0-libav")),
            ("audio/AMR", "AMR decoder", Some("gstreamer1.0-plugins-ugly")),
            ("audio/x-opus", "Opus decoder", Some("gstreamer1.0-plugins-base")),
            ("audio/x-of-nobody", "x decoder", None),
        ] {
            let missing = gst::Structure::builder("missing-plugin")
                .field("detail", gst::Caps::from_str(caps).unwrap())
                .field("name", format)
                .build();
            let said = missing_decoder(&[missing]).unwrap().to_string();
            let what = format.trim_end_matches(" decoder").trim_end_matches(" demuxer");
            let name = caps.split(',').next().unwrap();
            let advice = package.map_or_else(|| "GStreamer plug-in".to_owned(), |p| format!("apt install {p}"));
            assert!(said.starts_with(&format!("no decoder for {what} ({name})")) && said.contains(&advice), "{said}");
        }
    }
}

//! The recording on its page: not at all, beside it, or inside it.

use super::call::Call;
use affect_media::files::to_name;
use affect_page::{Media, data_address, escape};
use clap::ValueEnum;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// How a page has its recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Audio {
    /// Not at all.
    None,
    /// As a link to the file, which is loaded when somebody presses play.
    Link,
    /// Inside the page: whoever has the page has the recording.
    Embed,
}

/// The player of a page.
pub struct Player {
    /// What the page may load.
    pub media: Media,
    /// The address of the sound; `None` where there is no player.
    pub address: Option<String>,
    /// What is to be known of it.
    pub note: &'static str,
}

/// Largest recording that goes into a page.
const LARGEST: u64 = 64 << 20;

impl Audio {
    /// The player of a call's page.
    ///
    /// # Errors
    /// A sentence where a party is denied, or the recording cannot be read or is too large.
    pub fn prepare(self, file: &Path, page: &Path, call: &Call<'_>) -> Result<Player, String> {
        if let (Self::Link | Self::Embed, Some(denied)) = (self, call.denies()) {
            return Err(format!(
                "--audio: {} is denied by policy, and the recording holds its voice; leave --audio out",
                denied.channel()
            ));
        }
        match self {
            Self::None => Ok(Player { media: Media::None, address: None, note: "" }),
            Self::Link => Ok(Player {
                media: Media::Beside,
                address: Some(address(&relative(file, page)?)),
                note: "Loaded from the file beside this page when somebody presses play.",
            }),
            Self::Embed => {
                let failed = |e: std::io::Error| format!("cannot be read: {e}");
                let size = std::fs::metadata(file).map_err(failed)?.len();
                if size > LARGEST {
                    return Err(format!("--audio embed: {size} bytes, at most {LARGEST}; use --audio link"));
                }
                eprintln!(
                    "affect: {}: the recording itself goes into the page: whoever has the page can hear the call",
                    to_name(file)
                );
                let bytes = std::fs::read(file).map_err(failed)?;
                Ok(Player {
                    media: Media::Inside,
                    address: Some(data_address(media_type(file), &bytes)),
                    note: "The recording is inside this page: whoever has the page can hear the call.",
                })
            }
        }
    }
}

/// Media type by the end of the name; players look at the content themselves.
fn media_type(file: &Path) -> &'static str {
    let end = file.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match end.as_str() {
        "mp3" => "audio/mpeg",
        "ogg" | "oga" | "opus" | "spx" => "audio/ogg",
        "flac" => "audio/flac",
        "m4a" | "mp4" | "m4b" | "aac" => "audio/mp4",
        "webm" => "audio/webm",
        _ => "audio/wav",
    }
}

/// The way from the folder of a page to a file.
fn relative(file: &Path, page: &Path) -> Result<PathBuf, String> {
    let failed = |e: std::io::Error| format!("--audio link: no way from the page to the recording: {e}");
    let folder = page.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(failed)?;
    // Only the folder: the file's own name may be that of a link.
    let place = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = place.canonicalize().map_err(failed)?.join(file.file_name().unwrap_or_default());
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (folder.components().collect(), file.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| OsStr::new(".."));
    Ok(up.chain(to[shared..].iter().map(|c| c.as_os_str())).collect())
}

/// A path as an address, escaped for an attribute: what is no letter, digit or `-._~/` becomes `%NN`.
fn address(path: &Path) -> String {
    let mut out = String::new();
    for b in path.as_os_str().as_bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(*b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    escape(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_relative_and_escaped() {
        let root = std::env::temp_dir().join(format!("affect-way-{}", std::process::id()));
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::create_dir_all(root.join("c")).unwrap();
        let way = |file: &str, page: &str| relative(&root.join(file), &root.join(page)).unwrap();
        assert_eq!(way("a/x.wav", "a/p.html"), Path::new("x.wav"));
        assert_eq!(way("c/x.wav", "a/b/p.html"), Path::new("../../c/x.wav"));
        assert_eq!(way("a/b/x.wav", "p.html"), Path::new("a/b/x.wav"));
        assert!(relative(Path::new("x.wav"), &root.join("none/p.html")).is_err());
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(address(Path::new("../<a b>\"&:#?%.wav")), "../%3Ca%20b%3E%22%26%3A%23%3F%25.wav");
        assert_eq!((media_type(Path::new("x.MP3")), media_type(Path::new("x"))), ("audio/mpeg", "audio/wav"));
    }
}

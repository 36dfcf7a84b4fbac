//! Where results are written, and in which form.

use affect::record::table;
use gst::glib;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::fd::{FromRawFd, RawFd};

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAffectFormat")]
#[repr(i32)]
pub enum AffectFormat {
    /// One JSON record a line.
    #[default]
    #[enum_value(name = "One JSON record a line", nick = "json-lines")]
    JsonLines,
    /// A table for people: a few features per segment.
    #[enum_value(name = "A table for people: a few features per segment", nick = "table")]
    Table,
}

/// Where to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Stdout,
    Fd(RawFd),
    File { path: String, append: bool },
}

impl Target {
    /// What to call it in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Stdout => "standard output".to_owned(),
            Self::Fd(fd) => format!("file descriptor {fd}"),
            Self::File { path, .. } => format!("\"{path}\""),
        }
    }
}

/// An open output.
pub(super) struct Output {
    writer: BufWriter<Box<dyn Write + Send>>,
    format: AffectFormat,
    begun: bool,
}

impl Output {
    pub fn open(target: &Target, format: AffectFormat) -> io::Result<Self> {
        let inner: Box<dyn Write + Send> = match target {
            Target::Stdout => Box::new(io::stdout()),
            Target::Fd(fd) => Box::new(duplicate(*fd)?),
            Target::File { path, append } => {
                let mut options = OpenOptions::new();
                options.create(true);
                if *append {
                    options.append(true)
                } else {
                    options.write(true).truncate(true)
                };
                Box::new(options.open(path)?)
            }
        };
        Ok(Self { writer: BufWriter::new(inner), format, begun: false })
    }

    /// Writes one record, given as JSON.
    pub fn write(&mut self, json: &str) -> io::Result<()> {
        match self.format {
            AffectFormat::JsonLines => {
                self.writer.write_all(json.trim_end().as_bytes())?;
                self.writer.write_all(b"\n")
            }
            AffectFormat::Table => {
                let Some(row) = table::row(json) else { return Ok(()) };
                if !std::mem::replace(&mut self.begun, true) {
                    writeln!(self.writer, "{}", table::header())?;
                }
                writeln!(self.writer, "{row}")
            }
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A file on a duplicate of the descriptor, so that closing it leaves the caller's open.
fn duplicate(fd: RawFd) -> io::Result<File> {
    if fd < 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a file descriptor is not negative"));
    }
    // The number comes from outside and may not be open at all: /proc refuses it then, and nothing unsafe is needed.
    #[cfg(target_os = "linux")]
    {
        let path = format!("/proc/self/fd/{fd}");
        if std::fs::symlink_metadata(&path).is_err() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "not an open file descriptor"));
        }
    }
    // SAFETY: the descriptor is open (checked above where /proc exists) and belongs to the host for as long as the
    // element runs, which the property's documentation demands. `ManuallyDrop` keeps this handle from closing it.
    let borrowed = std::mem::ManuallyDrop::new(unsafe { File::from_raw_fd(fd) });
    borrowed.try_clone()
}

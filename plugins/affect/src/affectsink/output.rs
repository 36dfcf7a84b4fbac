//! Output of `affectsink`: the file, pipe or descriptor, and the form of the lines.

use crate::named_files::FileId;
use crate::outbox::Interrupted;
use affect::record::table;
use gst::glib;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What a pipe takes at once as soon as it takes anything (POSIX: at least 512 bytes; Linux: a page).
const PIPE_STEP: usize = 512;
/// A pipe that nobody reads yet is tried again after this, ms.
const RETRY_MS: u16 = 100;

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

/// Target that the properties name.
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

/// Reason why not everything was written. The rest is kept for the next time.
#[derive(Debug)]
pub(super) enum WriteHalt {
    Interrupted,
    Io(io::Error),
}

impl From<Interrupted> for WriteHalt {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

/// Gives a descriptor that becomes readable when a wait shall be broken off.
pub(super) type Alarm<'a> = &'a dyn Fn() -> Result<PipeReader, Interrupted>;

enum Place {
    Open {
        file: File,
        kind: Kind,
    },
    /// A named pipe that nobody reads yet.
    Unread(PathBuf),
}

/// How a descriptor takes bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Always at once: regular files.
    Regular,
    /// When there is room, and never more than that: opened so that it does not block.
    NonBlocking,
    /// When there is room, in small steps: the descriptor is shared with others, whose settings it keeps.
    Shared,
}

/// An open output.
pub(super) struct Output {
    place: Place,
    format: AffectFormat,
    begun: bool,
    /// A file that is started anew is emptied with the first results, not before.
    empties: bool,
    /// Bytes accepted and not written.
    pending: Vec<u8>,
}

impl Output {
    /// Opens a target. A file is created where there is none; what is in it stays until [`Self::begin`].
    pub fn open(target: &Target, format: AffectFormat) -> io::Result<Self> {
        let mut empties = false;
        let place = match target {
            Target::Stdout => shared(File::from(io::stdout().as_fd().try_clone_to_owned()?))?,
            Target::Fd(fd) => shared(duplicate(*fd)?)?,
            Target::File { path, append } => {
                let place = named(Path::new(path), *append)?;
                empties = !append && matches!(place, Place::Open { kind: Kind::Regular, .. });
                place
            }
        };
        Ok(Self { place, format, begun: false, empties, pending: Vec::new() })
    }

    /// Which file it is, if it is one that can be destroyed.
    pub fn file_id(&self) -> Option<FileId> {
        match &self.place {
            Place::Open { file, kind: Kind::Regular } => FileId::of(&file.metadata().ok()?),
            _ => None,
        }
    }

    /// Empties a file that is started anew.
    pub fn begin(&mut self) -> io::Result<()> {
        match &self.place {
            Place::Open { file, .. } if std::mem::take(&mut self.empties) => file.set_len(0),
            _ => Ok(()),
        }
    }

    /// Whether nothing was written yet.
    pub fn is_fresh(&self) -> bool {
        self.empties
    }

    /// Takes one record, given as JSON; [`Self::flush`] writes it.
    pub fn add(&mut self, json: &str) {
        let mut line = |text: &str| {
            self.pending.extend_from_slice(text.as_bytes());
            self.pending.push(b'\n');
        };
        match self.format {
            AffectFormat::JsonLines => line(json.trim_end()),
            AffectFormat::Table => {
                let Some(row) = table::row(json) else { return };
                if !std::mem::replace(&mut self.begun, true) {
                    line(&table::header());
                }
                line(&row);
            }
        }
    }

    /// Number of bytes that were taken and not written.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Writes what was taken; waits for readers until it is broken off.
    pub fn flush(&mut self, alarm: Alarm<'_>) -> Result<(), WriteHalt> {
        let mut done = 0;
        let outcome = self.write_from(&mut done, alarm);
        self.pending.drain(..done);
        outcome
    }

    fn write_from(&mut self, done: &mut usize, alarm: Alarm<'_>) -> Result<(), WriteHalt> {
        while *done < self.pending.len() {
            let (file, kind) = self.place.file(alarm)?;
            let rest = &self.pending[*done..];
            let step = match kind {
                Kind::Regular => rest,
                Kind::NonBlocking => {
                    wait_for_room(file, alarm)?;
                    rest
                }
                Kind::Shared => {
                    wait_for_room(file, alarm)?;
                    &rest[..rest.len().min(PIPE_STEP)]
                }
            };
            match file.write(step) {
                Ok(0) => return Err(WriteHalt::Io(io::ErrorKind::WriteZero.into())),
                Ok(n) => *done += n,
                Err(e) if matches!(e.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                Err(e) => return Err(WriteHalt::Io(e)),
            }
        }
        Ok(())
    }
}

impl Place {
    /// The open descriptor; waits until a named pipe has a reader.
    fn file(&mut self, alarm: Alarm<'_>) -> Result<(&mut File, Kind), WriteHalt> {
        while let Self::Unread(path) = self {
            match open_nonblocking(path) {
                Ok(file) => *self = Self::Open { file, kind: Kind::NonBlocking },
                Err(e) if e.raw_os_error() == Some(Errno::ENXIO as i32) => pause(alarm)?,
                Err(e) => return Err(WriteHalt::Io(e)),
            }
        }
        match self {
            Self::Open { file, kind } => Ok((file, *kind)),
            Self::Unread(_) => Err(WriteHalt::Interrupted),
        }
    }
}

fn open_nonblocking(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
}

/// A file by its name.
fn named(path: &Path, append: bool) -> io::Result<Place> {
    if std::fs::metadata(path).is_ok_and(|m| m.file_type().is_fifo()) {
        return Ok(Place::Unread(path.to_owned()));
    }
    let file = OpenOptions::new().create(true).write(true).append(append).truncate(false).open(path)?;
    let kind = if file.metadata()?.is_file() { Kind::Regular } else { Kind::Shared };
    Ok(Place::Open { file, kind })
}

/// A descriptor that others use as well.
fn shared(file: File) -> io::Result<Place> {
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        return Ok(Place::Open { file, kind: Kind::Regular });
    }
    // A pipe that is opened once more has settings of its own.
    let again = kind.is_fifo().then(|| open_nonblocking(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd()))));
    Ok(match again {
        Some(Ok(file)) => Place::Open { file, kind: Kind::NonBlocking },
        _ => Place::Open { file, kind: Kind::Shared },
    })
}

/// Waits until a descriptor takes something.
fn wait_for_room(file: &File, alarm: Alarm<'_>) -> Result<(), WriteHalt> {
    let room = || PollFd::new(file.as_fd(), PollFlags::POLLOUT);
    // Mostly there is room, and no alarm is needed.
    if polled(&mut [room()], PollTimeout::ZERO)? {
        return Ok(());
    }
    let alarm = alarm()?;
    loop {
        let mut both = [room(), PollFd::new(alarm.as_fd(), PollFlags::POLLIN)];
        polled(&mut both, PollTimeout::NONE)?;
        if both[1].any() == Some(true) {
            return Err(WriteHalt::Interrupted);
        }
        if both[0].any() == Some(true) {
            return Ok(());
        }
    }
}

/// Waits for a short time.
fn pause(alarm: Alarm<'_>) -> Result<(), WriteHalt> {
    let alarm = alarm()?;
    if polled(&mut [PollFd::new(alarm.as_fd(), PollFlags::POLLIN)], PollTimeout::from(RETRY_MS))? {
        return Err(WriteHalt::Interrupted);
    }
    Ok(())
}

/// Whether anything is ready.
fn polled(list: &mut [PollFd<'_>], timeout: PollTimeout) -> Result<bool, WriteHalt> {
    match poll(list, timeout) {
        Ok(n) => Ok(n > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(e) => Err(WriteHalt::Io(e.into())),
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

//! Identity of the file that a path leads to, by device and inode and not by name.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Identity of the file that a path leads to, through links of all kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// It is there: device and inode.
    There(u64, u64),
    /// It is not there yet: its folder, and its name in it.
    NotYet(u64, u64, std::ffi::OsString),
    /// Not even its folder is there.
    Nowhere(PathBuf),
}

/// Symbolic links that are followed to a file that is not there.
const LINKS: usize = 40;

impl Identity {
    /// The file behind a path. A symbolic link to a file that is not there yet counts as that file.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            if let Ok(m) = fs::metadata(&path) {
                return Self::There(m.dev(), m.ino());
            }
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
            match fs::read_link(&path) {
                Ok(target) => path = folder.join(target),
                Err(_) => {
                    return match (fs::metadata(&folder), path.file_name()) {
                        (Ok(m), Some(name)) => Self::NotYet(m.dev(), m.ino(), name.to_owned()),
                        _ => Self::Nowhere(path),
                    };
                }
            }
        }
        Self::Nowhere(path)
    }
}

/// An output would destroy an input, or another output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputIsInput {
    /// The output.
    pub output: PathBuf,
    /// What it is at the same time.
    pub other: PathBuf,
    /// Whether that is an input; otherwise it is another output.
    pub input: bool,
}

impl fmt::Display for OutputIsInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.input { "an input" } else { "another output" };
        let (output, other) = (self.output.display(), self.other.display());
        if self.output == self.other {
            write!(f, "{output}: is an output and {what}: nothing was opened; choose another output")
        } else {
            write!(
                f,
                "{output}: is an output and the same file as {what}, {other}: nothing was opened; choose another output"
            )
        }
    }
}

impl std::error::Error for OutputIsInput {}

/// Refuses outputs that are also inputs, or that are one file twice.
///
/// # Errors
/// [`OutputIsInput`], before anything is opened.
pub fn refuse_outputs_among_inputs<'a>(
    inputs: impl IntoIterator<Item = &'a Path>,
    outputs: impl IntoIterator<Item = &'a Path>,
) -> Result<(), OutputIsInput> {
    let mut taken: Vec<(Identity, &Path)> = Vec::new();
    for output in outputs {
        let id = Identity::of(output);
        // Devices and pipes hold nothing that could be lost.
        if fs::metadata(output).is_ok_and(|m| !m.is_file() && !m.is_dir()) {
            continue;
        }
        if let Some((_, other)) = taken.iter().find(|(i, _)| *i == id) {
            return Err(OutputIsInput { output: output.to_owned(), other: (*other).to_owned(), input: false });
        }
        taken.push((id, output));
    }
    if taken.is_empty() {
        return Ok(());
    }
    for input in inputs {
        let id = Identity::of(input);
        if let Some((_, output)) = taken.iter().find(|(i, _)| *i == id) {
            return Err(OutputIsInput { output: (*output).to_owned(), other: input.to_owned(), input: true });
        }
    }
    Ok(())
}

/// Refuses a standard output that leads into one of the inputs (`>> input`).
///
/// # Errors
/// [`OutputIsInput`], before anything is written.
pub fn refuse_standard_output_among<'a>(inputs: impl IntoIterator<Item = &'a Path>) -> Result<(), OutputIsInput> {
    match fs::metadata("/dev/stdout") {
        Ok(m) if m.is_file() => {
            let id = Identity::There(m.dev(), m.ino());
            match inputs.into_iter().find(|i| Identity::of(i) == id) {
                Some(other) => {
                    Err(OutputIsInput { output: "standard output".into(), other: other.to_owned(), input: true })
                }
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_identity_under_all_its_names() {
        let folder = std::env::temp_dir().join(format!("affect-identity-{}", std::process::id()));
        fs::create_dir_all(folder.join("sub")).unwrap();
        let path = |n: &str| folder.join(n);
        fs::write(path("a"), "x").unwrap();
        fs::write(path("b"), "x").unwrap();
        fs::hard_link(path("a"), path("hard")).unwrap();
        std::os::unix::fs::symlink("a", path("soft")).unwrap();
        std::os::unix::fs::symlink("../a", path("sub/soft")).unwrap();
        std::os::unix::fs::symlink("later", path("early")).unwrap();
        std::os::unix::fs::symlink("circle", path("circle")).unwrap();
        let same = |x: &str, y: &str| Identity::of(&path(x)) == Identity::of(&path(y));
        for other in ["hard", "soft", "sub/soft", "sub/../a", "./a"] {
            assert!(same("a", other), "{other}");
        }
        assert!(!same("a", "b") && same("early", "later") && same("early", "sub/../later") && !same("early", "a"));
        assert!(!same("none/x", "none/y") && same("none/x", "none/x"));
        let refused = |i: &[&str], o: &[&str]| {
            let paths = |l: &[&str]| l.iter().map(|n| path(n)).collect::<Vec<_>>();
            let (i, o) = (paths(i), paths(o));
            refuse_outputs_among_inputs(i.iter().map(PathBuf::as_path), o.iter().map(PathBuf::as_path)).err()
        };
        assert_eq!(refused(&["a"], &["b", "later"]), None);
        assert!(refused(&["a", "b"], &["sub/soft"]).is_some_and(|e| e.input && e.to_string().contains("same file")));
        assert!(refused(&[], &["early", "later"]).is_some_and(|e| !e.input));
        assert_eq!(Identity::of(&path("circle")), Identity::of(&path("circle")));
        fs::remove_dir_all(folder).unwrap();
    }
}

//! Finding and loading ONNX Runtime's shared library, once per process.

use super::error::ModelError;
use once_cell::sync::OnceCell;
use ort::environment::Environment;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The library's file name.
const FILE: &str = if cfg!(target_os = "windows") {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

/// Variable that names the library.
pub const VARIABLE: &str = "ORT_DYLIB_PATH";

/// The library that this process has loaded, which it keeps to its end.
static LIBRARY: OnceCell<PathBuf> = OnceCell::new();
static ENVIRONMENT: OnceCell<Environment> = OnceCell::new();
static PLACES: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// Names directories to look into besides those of the program, before the library is first needed. Later calls do
/// nothing.
pub fn look_in(directories: Vec<PathBuf>) {
    PLACES.get_or_init(|| directories);
}

/// Where the library lies: what is named, else the variable, else beside the program (or plugin) in `onnxruntime/`, else
/// the system's directories. `None` where it is nowhere.
#[must_use]
pub fn find(named: Option<&Path>) -> Option<PathBuf> {
    if let Some(path) = named {
        return Some(path.to_owned());
    }
    if let Some(path) = std::env::var_os(VARIABLE).filter(|p| !p.is_empty()) {
        return Some(path.into());
    }
    let program = std::env::current_exe().ok();
    let beside = program
        .iter()
        .filter_map(|p| p.parent())
        .map(Path::to_owned)
        .chain(PLACES.get().into_iter().flatten().cloned());
    let near = beside.flat_map(|d| {
        let ups = d.ancestors().take(4).map(|up| up.join("onnxruntime")).collect::<Vec<_>>();
        [d].into_iter().chain(ups)
    });
    let system =
        ["/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    near.chain(system.iter().map(PathBuf::from)).map(|d| d.join(FILE)).find(|p| p.is_file())
}

/// The process's ONNX Runtime. The first library that loads is the one; what failed to load is tried again with the next call,
/// which may name another.
///
/// # Errors
/// [`ModelError::Library`] where there is none, or it is no ONNX Runtime, or too old, or another one is loaded already.
pub(super) fn environment(named: Option<&Path>) -> Result<&'static Environment, ModelError> {
    let path = LIBRARY.get_or_try_init(|| {
        let path = find(named).ok_or_else(|| {
            ModelError::Library(format!(
                "its library {FILE} was not found: run scripts/setup, or set {VARIABLE} or the property runtime-library to its path"
            ))
        })?;
        if !path.is_file() {
            return Err(ModelError::Library(format!("no file {}", path.display())));
        }
        ort::init_from(&path).map_err(|e| unusable(&path, &e))?;
        Ok(path)
    })?;
    if let Some(named) = named.filter(|n| n != path) {
        return Err(ModelError::Library(format!(
            "this process already uses {}, and cannot load {} as well",
            path.display(),
            named.display()
        )));
    }
    ENVIRONMENT.get_or_try_init(|| {
        ort::init().with_name("affect").with_telemetry(false).build().map_err(|e| unusable(path, &e))
    })
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> ModelError {
    ModelError::Library(format!("cannot use {}: {why}", path.display()))
}

/// The library in use, if one is.
#[must_use]
pub fn in_use() -> Option<&'static Path> {
    LIBRARY.get().map(PathBuf::as_path)
}

//! Finding and loading ONNX Runtime's shared library, once per process.

use super::error::ModelError;
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

struct Loaded {
    environment: ort::environment::Environment,
    path: PathBuf,
}

static LOADED: OnceLock<Result<Loaded, String>> = OnceLock::new();
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

/// The process's ONNX Runtime. The first call decides which library it is.
///
/// # Errors
/// [`ModelError::Library`] where there is none, or it is no ONNX Runtime, or too old.
pub(super) fn environment(named: Option<&Path>) -> Result<&'static ort::environment::Environment, ModelError> {
    let nowhere = || {
        ModelError::Library(format!(
            "its library {FILE} was not found: run scripts/setup, or set {VARIABLE} or the property runtime-library to its path"
        ))
    };
    // Without a candidate nothing is decided: a later call may name one.
    let Some(path) = LOADED.get().map_or_else(|| find(named), |_| Some(PathBuf::new())) else { return Err(nowhere()) };
    let loaded = LOADED.get_or_init(|| {
        let failed = |e: &dyn std::fmt::Display| format!("cannot use {}: {e}", path.display());
        if !path.is_file() {
            return Err(format!("no file {}", path.display()));
        }
        let builder = ort::init_from(&path).map_err(|e| failed(&e))?;
        let environment = builder.with_name("affect").with_telemetry(false).build().map_err(|e| failed(&e))?;
        Ok(Loaded { environment, path: path.clone() })
    });
    match loaded {
        Ok(l) => match named {
            Some(named) if named != l.path => Err(ModelError::Library(format!(
                "this process already uses {}, and cannot load {} as well",
                l.path.display(),
                named.display()
            ))),
            _ => Ok(&l.environment),
        },
        Err(why) => Err(ModelError::Library(why.clone())),
    }
}

/// The library in use, if one is.
#[must_use]
pub fn in_use() -> Option<&'static Path> {
    LOADED.get()?.as_ref().ok().map(|l| l.path.as_path())
}

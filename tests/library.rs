//! ONNX Runtime's library is looked for once per process, so this test has one of its own.

use affect::model::engine::Backend;
use affect::model::{Model, Options, library};

/// What failed to load does not bind the process: the next path is tried, and serves.
#[test]
fn a_library_that_fails_to_load_leaves_room_for_another() {
    let Some(good) = library::find(None) else {
        eprintln!("SKIPPED: ONNX Runtime's library is not installed (scripts/setup)");
        return;
    };
    let bad = std::env::temp_dir().join(format!("affect-no-library-{}.so", std::process::id()));
    std::fs::write(&bad, "no library").unwrap();
    let open = |path: &std::path::Path| {
        let options = Options { backend: Backend::OnnxRuntime, library: Some(path.to_owned()), ..Options::default() };
        Model::open(affect::model::DEFAULT.to_vec(), None, &options)
    };
    for wrong in [&bad, &bad.with_extension("gone")] {
        let e = open(wrong).unwrap_err().to_string();
        assert!(e.contains(&wrong.display().to_string()), "{e}");
        assert_eq!(library::in_use(), None);
    }
    let model = open(&good).unwrap();
    assert_eq!(model.engine(), "onnxruntime");
    assert_eq!(library::in_use(), Some(good.as_path()));
    // From here on it is the one.
    let e = open(&bad).unwrap_err().to_string();
    assert!(e.contains("already uses") && e.contains(&good.display().to_string()), "{e}");
    std::fs::remove_file(&bad).unwrap();
}

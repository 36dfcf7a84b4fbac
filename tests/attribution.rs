//! Attributions against the reference values of Captum, `shap` and brute force, with every engine that can run a model.
//!
//! The vectors lie in `tests/data/attribution`; tolerances are ten times those measured when they were made.

use affect::explain::gradient::Rule;
use affect::explain::sampled::Effort;
use affect::explain::{Attribution, Explainer, Unit};
use affect::model::engine::Backend;
use affect::model::{Model, Options, library};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

struct Vectors {
    folder: PathBuf,
    manifest: Value,
}

impl Vectors {
    fn open(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/attribution").join(name);
        let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
        Self { folder, manifest: serde_json::from_str(&manifest).unwrap() }
    }

    fn array(&self, name: &str) -> (Vec<usize>, Vec<f64>) {
        let all = self.manifest["arrays"].as_array().unwrap();
        let about = all.iter().find(|a| a["name"] == name).unwrap_or_else(|| panic!("no array {name}"));
        let shape = about["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let bytes = std::fs::read(self.folder.join(about["file"].as_str().unwrap())).unwrap();
        let data = match about["dtype"].as_str().unwrap() {
            "float32" => bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect(),
            "float64" => bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
            "int64" => bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
            other => panic!("{other}"),
        };
        (shape, data)
    }

    fn rows(&self, name: &str) -> Vec<Vec<f32>> {
        let (shape, data) = self.array(name);
        data.chunks_exact(shape[1]).map(|r| r.iter().map(|v| *v as f32).collect()).collect()
    }

    fn groups(&self, width: usize) -> Vec<Vec<usize>> {
        match self.manifest["meta"]["groups"].as_array() {
            Some(list) => list
                .iter()
                .map(|g| g.as_array().unwrap().iter().map(|c| c.as_u64().unwrap() as usize).collect())
                .collect(),
            None => (0..width).map(|c| vec![c]).collect(),
        }
    }

    fn explainer(&self, backend: Backend) -> Explainer {
        let bytes = std::fs::read(self.folder.join("model.onnx")).unwrap();
        let model = Model::open(bytes, None, &Options { backend, ..Options::default() }).unwrap();
        let background: Vec<f32> = self.rows("background").concat();
        let groups = self.groups(model.width());
        Explainer::new(Arc::new(model), background, groups).unwrap()
    }
}

/// The engines that this machine has for graphs.
fn engines() -> Vec<Backend> {
    let mut list = vec![Backend::Rten];
    if library::find(None).is_some() {
        list.push(Backend::OnnxRuntime);
    } else {
        eprintln!("SKIPPED: ONNX Runtime's library is not installed (scripts/setup)");
    }
    list
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
    assert!(worst <= tolerance * largest, "{what}: off by {:.1e} of the largest value", worst / largest);
}

/// The values add up, to a millionth of the range.
fn complete(a: &Attribution, what: &str) {
    let range = a.values.iter().map(|v| v.abs()).sum::<f64>().max(1e-12);
    assert!(a.residual.unwrap().abs() <= 1e-6 * range, "{what}: residual {:?}", a.residual);
}

#[test]
fn networks_agree_with_captum_and_shap() {
    for name in ["mlp", "mlp_scaled"] {
        let v = Vectors::open(name);
        let rows = v.rows("x");
        let (_, target) = v.array("target");
        let (_, outputs) = v.array("output");
        let (shape, gradients) = v.array("input_gradient");
        let (classes, d) = (shape[1], shape[2]);
        let (_, shapley) = v.array("shapley_exact");
        let (_, gauss) = v.array("ig_gausslegendre_64");
        let (_, trapezoid) = v.array("ig_riemann_trapezoid_50");
        for backend in engines() {
            let e = v.explainer(backend);
            let groups = e.groups().len();
            for (r, row) in rows.iter().enumerate() {
                let what = format!("{name}, {backend}, row {r}");
                let found = e.model().run(row).unwrap();
                close(&found, &outputs[r * classes..][..classes], 1e-5, &format!("output of {what}"));
                for k in 0..classes {
                    let g = e.gradient(row, k).unwrap();
                    close(&g.values, &gradients[(r * classes + k) * d..][..d], 5e-6, &format!("gradient of {what}"));
                    let found = e.by_group(row, k, Unit::Score).unwrap();
                    let expected: Vec<f64> = (0..groups).map(|j| shapley[(r * groups + j) * classes + k]).collect();
                    close(&found.values, &expected, 1e-5, &format!("groups of {what}"));
                    complete(&found, &what);
                }
                let k = target[r] as usize;
                let found = e.integrated(row, k, Rule::GaussLegendre, 64).unwrap();
                close(&found.values, &gauss[r * d..][..d], 1e-5, &format!("integrated gradients of {what}"));
                let found = e.integrated(row, k, Rule::Trapezoid, 50).unwrap();
                close(&found.values, &trapezoid[r * d..][..d], 1e-5, &format!("trapezoid of {what}"));
            }
        }
    }
}

/// Exact single features where there are few (`shap`'s kernel over all coalitions), sampled ones within their errors where
/// there are many.
#[test]
fn single_features_agree_with_shap() {
    let v = Vectors::open("mlp_scaled");
    let (shape, kernel) = v.array("kernelshap_full");
    let e = v.explainer(Backend::Rten);
    let row = &v.rows("x")[0];
    for k in 0..shape[2] {
        let found = e.by_feature(row, k, Unit::Score, Effort::default()).unwrap();
        let expected: Vec<f64> = (0..shape[1]).map(|j| kernel[j * shape[2] + k]).collect();
        close(&found.values, &expected, 1e-5, "kernel");
        assert!(found.stderr.is_none());
    }
    let v = Vectors::open("mlp");
    let (shape, expected) = v.array("shapley_single_estimate");
    let (_, error) = v.array("shapley_single_stderr");
    let e = v.explainer(Backend::Rten);
    let row = &v.rows("x")[0];
    for k in 0..2 {
        let found = e.sampled(row, k, Unit::Score, Effort { relative_error: 0.02, most_rows: 200_000 }, None).unwrap();
        complete(&found, "sampled");
        let own = found.stderr.unwrap();
        let chi2: f64 = (0..shape[1])
            .map(|j| {
                let i = j * shape[2] + k;
                (found.values[j] - expected[i]).powi(2) / (own[j] * own[j] + error[i] * error[i])
            })
            .sum();
        // 88 squares of standard normals: mean 88, standard deviation 13.
        assert!((30.0..160.0).contains(&chi2), "chi2 {chi2}");
        let groups = e.by_group(row, k, Unit::Score).unwrap();
        let inside = e.by_feature(row, k, Unit::Score, Effort { relative_error: 0.1, most_rows: 50_000 }).unwrap();
        for (columns, exact) in e.groups().iter().zip(&groups.values) {
            let sum: f64 = columns.iter().map(|c| inside.values[*c]).sum();
            assert!((sum - exact).abs() < 1e-9, "members of a group add up to it");
        }
    }
}

#[test]
fn trees_agree_with_shap_and_brute_force() {
    for name in ["tree_rf_binary", "tree_rf_multiclass", "tree_gb_binary", "tree_gb_multiclass"] {
        let v = Vectors::open(name);
        let rows = v.rows("x");
        let e = v.explainer(Backend::Auto);
        assert_eq!(e.model().engine(), "builtin");
        let (raw_shape, raw) = v.array("raw_output");
        let (probability_shape, probabilities) = v.array("probabilities");
        let columns = raw_shape[1];
        let class = |k: usize| if columns == 1 { 1 } else { k };
        for (r, row) in rows.iter().enumerate() {
            let found = e.model().run(row).unwrap();
            close(&found, &probabilities[r * probability_shape[1]..][..probability_shape[1]], 1e-5, name);
            for k in 0..columns {
                let a = e.by_feature(row, class(k), Unit::Score, Effort::default()).unwrap();
                close(&[a.output], &[raw[r * columns + k]], 1e-6, name);
                complete(&a, name);
                for reference in ["shap_tree_interventional", "shapley_exact_bruteforce"] {
                    let listed = v.manifest["arrays"].as_array().unwrap().iter().any(|a| a["name"] == reference);
                    if !listed || v.array(reference).0[0] <= r {
                        continue;
                    }
                    let (shape, values) = v.array(reference);
                    let expected: Vec<f64> = (0..shape[1]).map(|j| values[(r * shape[1] + j) * shape[2] + k]).collect();
                    close(&a.values, &expected, 3e-7, &format!("{name}, {reference}, row {r}, class {k}"));
                }
            }
        }
        // ONNX Runtime and the built-in evaluation agree; rten says what it lacks.
        let bytes = std::fs::read(v.folder.join("model.onnx")).unwrap();
        let refused = Model::open(bytes.clone(), None, &Options { backend: Backend::Rten, ..Options::default() });
        assert!(refused.unwrap_err().to_string().contains("TreeEnsemble"), "{name}");
        if library::find(None).is_some() {
            let ort =
                Model::open(bytes, None, &Options { backend: Backend::OnnxRuntime, ..Options::default() }).unwrap();
            for row in &rows {
                close(&e.model().run(row).unwrap(), &ort.run(row).unwrap(), 1e-5, name);
            }
        }
    }
}
